# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Data that lies in S3: a real server of moto's, and what happens without."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.data.kinds import numbered
from training.data import Data, open_data, remote
from training.data.spec import Arrays
from training.data.write import write, write_part
from training.errors import DataError

pytestmark = pytest.mark.slow


def test_data_is_read_from_s3_as_from_a_folder(
    s3: str, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import fsspec

    monkeypatch.chdir(tmp_path)
    here = open_data("diabetes", data_root / "diabetes")
    system = fsspec.filesystem("s3")
    system.mkdir("bucket")
    system.put(str(here.folder), "bucket/diabetes", recursive=True)
    there = open_data("diabetes", "s3://bucket/diabetes")
    assert there.folder != here.folder
    assert there.index == here.index
    for one, other in zip(there.held_out(), here.held_out(), strict=True):
        np.testing.assert_equal(one, other)
    assert there.checked()[1] == ()
    copies = {p: p.stat().st_mtime_ns for p in there.folder.glob("*.tfrecord")}
    again = open_data("diabetes", "s3://bucket/diabetes")
    assert {p: p.stat().st_mtime_ns for p in again.folder.glob("*.tfrecord")} == copies


def test_a_bucket_without_data_says_what_to_upload(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="upload the folder"):
        open_data("digits", "s3://nothing/digits")


def test_what_one_process_writes_to_s3_is_what_it_writes_here(
    s3: str, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import fsspec

    monkeypatch.chdir(tmp_path)
    system = fsspec.filesystem("s3")
    system.mkdir("written")
    here = open_data("diabetes", data_root / "diabetes")
    # As after a writer that was killed: files, but no data.json.
    system.pipe("written/diabetes/" + here.index.train[0].file, b"old")
    with pytest.raises(DataError, match="--with plain --data-folder s3://written"):
        open_data("diabetes", "s3://written/diabetes")
    there = open_data("diabetes", "s3://written/diabetes", writer=write_part)
    assert there.index == here.index
    assert there.checked()[1] == ()
    with pytest.raises(DataError, match="holds the data 'diabetes', not 'digits'"):
        open_data("digits", "s3://written/diabetes", writer=write_part, force=True)
    assert open_data("diabetes", "s3://written/diabetes").index == here.index


def test_other_data_of_the_same_sizes_is_copied_anew(tmp_path: Path):
    source = numbered(40)
    write("digits", source, "memory://same/data", shards=2)
    first = remote.fetch("memory://same/data", tmp_path)
    part = Arrays(source.train.features, source.train.labels[::-1])
    other = replace(source, train=part)
    write("digits", other, "memory://same/data", shards=2, replace=True)
    second = Data(
        remote.fetch("memory://same/data", tmp_path),
        open_data("digits", remote.fetch("memory://same/data", tmp_path)).index,
    )
    assert second.folder != first
    assert second.checked()[1] == ()


def test_a_copy_that_was_damaged_here_is_copied_again(tmp_path: Path):
    write("digits", numbered(40), "memory://copied/data", shards=2)
    folder = remote.fetch("memory://copied/data", tmp_path)
    (shard, *_) = folder.glob("train-*")
    shard.write_bytes(bytes(shard.stat().st_size))
    again = open_data("digits", remote.fetch("memory://copied/data", tmp_path))
    assert again.checked()[1] == ()


def test_several_processes_may_copy_at_once(tmp_path: Path):
    write("digits", numbered(400), "memory://many/data", shards=4)

    def fetch_and_check() -> None:
        folder = remote.fetch("memory://many/data", tmp_path)
        assert open_data("digits", folder).checked()[1] == ()

    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(fetch_and_check) for _ in range(24)]
    for each in done:
        each.result()
    (folder,) = tmp_path.iterdir()
    assert not list(folder.glob(".*"))


def test_s3_without_credentials_says_so(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import s3fs

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(DataError, match="credentials") as raised:
        remote.fetch("s3://secret/digits", tmp_path / "cache")
    assert "\n" not in str(raised.value)
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_full_disk_here_is_not_the_storages_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write("digits", numbered(40), "memory://full/data", shards=2)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.get_file", full)
    with pytest.raises(DataError, match=r"No space left on device\): free some space"):
        remote.fetch("memory://full/data", tmp_path)


@pytest.mark.parametrize(
    ("address", "said"),
    [("nonsense://x/y", "nonsense"), ("memory://empty/digits", "upload the folder")],
)
def test_an_address_that_leads_nowhere_is_refused(
    address: str, said: str, tmp_path: Path
):
    with pytest.raises(DataError, match=said) as raised:
        remote.fetch(address, tmp_path)
    assert "\n" not in str(raised.value)


def test_a_file_name_with_a_path_is_refused(data_root: Path, tmp_path: Path):
    import fsspec

    here = open_data("diabetes", data_root / "diabetes")
    system = fsspec.filesystem("memory")
    shards = tuple(replace(s, file=f"../{s.file}") for s in here.index.train)
    evil = replace(here.index, train=shards).to_json()
    system.pipe("/evil/data.json", evil.encode())
    with pytest.raises(DataError, match="with a path"):
        remote.fetch("memory://evil", tmp_path)
