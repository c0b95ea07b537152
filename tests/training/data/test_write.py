# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are written: byte for byte TensorFlow's, and whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.data.kinds import all_kinds, numbered
from training.data.index import read_index
from training.data.spec import Arrays, Source
from training.data.write import write, write_part
from training.errors import DataError

ROOT = Path(__file__).parents[3]


def by_tensorflow(source: Source, path: Path, numbers: range) -> bytes:
    import tensorflow as tf

    lists = {"floats": "float_list", "integers": "int64_list"}
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in numbers:
            example = tf.train.Example()
            for name, spec in source.features.items():
                value = source.train.features[name][row]
                kind = lists.get(spec.stored, "bytes_list")
                values = (
                    value.ravel()
                    if kind != "bytes_list"
                    else [value if isinstance(value, bytes) else value.tobytes()]
                )
                getattr(example.features.feature[name], kind).value.extend(values)
            label = example.features.feature["label"]
            kind = "int64_list" if source.task == "classify" else "float_list"
            getattr(label, kind).value.append(source.train.labels[row].item())
            writer.write(example.SerializeToString(deterministic=True))
    return path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classify", "regress"])
def test_files_have_the_bytes_that_tensorflow_writes(task: str, tmp_path: Path):
    source = all_kinds(rows=7, task=task)
    write("digits", source, tmp_path / "data", shards=3)
    for shard in range(3):
        expected = by_tensorflow(source, tmp_path / "expected", range(shard, 7, 3))
        file = tmp_path / "data" / f"train-{shard:05}-of-00003.tfrecord"
        assert file.read_bytes() == expected


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


WRITES_AND_WAITS = """
import sys, time
from tests.training.data.kinds import numbered
from training.data.write import write, write_part

def slowly(*asked):
    write_part(*asked)
    print("a part is written", flush=True)
    time.sleep(600)

write("digits", numbered(20), sys.argv[1], shards=2, replace=True, writer=slowly)
"""


@pytest.mark.parametrize("before", [False, True], ids=["nothing", "whole"])
def test_a_writer_that_is_killed_changes_nothing_and_the_next_cleans_up(
    before: bool, tmp_path: Path
):
    folder = tmp_path / "data"
    write("digits", numbered(10), tmp_path / "old", shards=2)
    if before:
        write("digits", numbered(10), folder, shards=2)
    with subprocess.Popen(
        [sys.executable, "-c", WRITES_AND_WAITS, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        # One that is at work is left alone.
        write("digits", numbered(10), folder, shards=2)
        assert list(tmp_path.glob(".data-*/data/train-00000-of-00002.tfrecord"))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert content(folder) == content(tmp_path / "old")
    write("digits", numbered(20), folder, shards=2, replace=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "old"]


@pytest.mark.parametrize("force", [False, True], ids=["if missing", "anew"])
def test_several_may_write_at_once(force: bool, tmp_path: Path):
    source = numbered(20)
    write("digits", source, tmp_path / "one", shards=2)
    with ThreadPoolExecutor(6) as pool:
        done = [
            pool.submit(
                write, "digits", source, tmp_path / "data", shards=2, replace=force
            )
            for _ in range(30)
        ]
    for each in done:
        each.result()
    assert content(tmp_path / "data") == content(tmp_path / "one")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "one"]


def test_what_was_there_stays_where_nothing_can_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write("digits", numbered(20), tmp_path / "data", shards=2)
    before = content(tmp_path / "data")

    def refused(*_: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("training.hidden._exchange", refused)
    with pytest.raises(DataError, match="Permission denied"):
        write("digits", numbered(30), tmp_path / "data", shards=2, replace=True)
    assert content(tmp_path / "data") == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"needs the program mount: {error}")
    if done.returncode:
        pytest.skip(f"needs the right to mount a small disk: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def large(rows: int) -> Source:
    part = Arrays({"number": np.zeros((rows, 1), np.float32)}, np.arange(rows) % 2)
    return replace(numbered(2), train=part)


def test_a_full_disk_is_said_and_leaves_what_was_there(small_disk: Path):
    folder = small_disk / "data"
    write("digits", numbered(100), folder, shards=2)
    before = content(folder)
    with pytest.raises(DataError, match="No space left on device") as raised:
        write("digits", large(30_000), folder, shards=4, replace=True)
    assert "free some space" in str(raised.value)
    assert content(folder) == before
    assert [path.name for path in small_disk.iterdir()] == ["data"]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path):
    def fails(*asked: object) -> None:
        write_part(*asked)  # type: ignore[arg-type]
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(DataError, match="Input/output error"):
        write("digits", numbered(9), tmp_path / "d", shards=2, writer=fails)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["train", "held_out"])
def test_a_part_without_rows_is_refused(part: str, tmp_path: Path):
    empty = replace(numbered(9), **{part: numbered(0).train})
    with pytest.raises(DataError, match="has no rows"):
        write("digits", empty, tmp_path / "data", shards=2)
    assert list(tmp_path.iterdir()) == []


def test_no_shard_is_empty(tmp_path: Path):
    write("digits", numbered(3), tmp_path / "data", shards=8)
    found = read_index((tmp_path / "data" / "data.json").read_text(), "here")
    assert [shard.rows for shard in found.train] == [1, 1, 1]


def test_whatever_bit_of_the_index_is_changed_it_is_refused_or_means_the_same(
    tmp_path: Path,
):
    write("digits", all_kinds(), tmp_path / "data", shards=2)
    text = (tmp_path / "data" / "data.json").read_bytes()
    expected = read_index(text.decode(), "here")
    refused = []
    for position in range(len(text)):
        for bit in (0, 4):
            changed = bytearray(text)
            changed[position] ^= 1 << bit
            try:
                assert read_index(changed.decode(), "here") == expected
            except DataError as error:
                refused.append(str(error))
    assert len(refused) > len(text)  # The rest is white space.
    assert not any("\n" in message for message in refused)
