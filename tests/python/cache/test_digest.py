# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Digests of folders change with the content, and cost nothing if it did not."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from tfnative._cache import digest
from tfnative._cache.digest import file_digest, folder_digest
from tfnative.errors import NotFoundError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.data").write_bytes(b"weights")
    return folder


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are believed at once."""
    monkeypatch.setattr(digest, "_RECENT_NANOS", -10 * 10**9)


def memories(folder: Path) -> list[dict]:
    found = (folder.parent / "cache" / "digests").glob("*.json")
    return [json.loads(path.read_text()) for path in found]


def test_files_have_their_sha256(folder):
    path = folder / "saved_model.pb"
    assert file_digest(path) == hashlib.sha256(b"graph").hexdigest()


def rename(folder: Path) -> None:
    (folder / "saved_model.pb").rename(folder / "saved_model.pbtxt")


def add(folder: Path) -> None:
    (folder / "assets").mkdir()
    (folder / "assets" / "labels.txt").write_text("")


def remove(folder: Path) -> None:
    (folder / "variables" / "variables.data").unlink()


def change(folder: Path) -> None:
    (folder / "saved_model.pb").write_bytes(b"GRAPH")


def change_and_set_the_time_back(folder: Path) -> None:
    path = folder / "saved_model.pb"
    status = path.stat()
    time.sleep(0.02)
    path.write_bytes(b"GRAPH")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_by_a_file_of_the_same_time(folder: Path) -> None:
    path, other = folder / "saved_model.pb", folder.parent / "other"
    other.write_bytes(b"GRAPH")
    status = path.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(other, path)


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize(
    "edit",
    [
        rename,
        add,
        remove,
        change,
        change_and_set_the_time_back,
        replace_by_a_file_of_the_same_time,
    ],
)
def test_every_change_is_noticed(folder, edit):
    before = folder_digest(folder)
    assert folder_digest(folder) == before
    edit(folder)
    assert folder_digest(folder) != before


def test_a_copy_has_the_same_digest(folder, tmp_path):
    import shutil

    shutil.copytree(folder, tmp_path / "copy")
    assert folder_digest(tmp_path / "copy") == folder_digest(folder)


@pytest.mark.usefixtures("trusting")
def test_unchanged_files_are_not_read_again(folder, monkeypatch):
    before = folder_digest(folder)

    def fail(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(digest, "file_digest", fail)
    assert folder_digest(folder) == before
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert folder_digest(link) == before


def test_files_that_may_still_change_in_the_same_instant_are_not_remembered(folder):
    folder_digest(folder)
    assert [memory["files"] for memory in memories(folder)] in ([], [{}])
    old = time.time() - 60
    os.utime(folder / "saved_model.pb", (old, old))  # Its inode changes now, though.
    folder_digest(folder)
    assert [memory["files"] for memory in memories(folder)] in ([], [{}])


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize(
    "text", ["", "[]", '{"files": 3}', '{"files": {"saved_model.pb": []}}', "{" * 99999]
)
def test_a_damaged_memory_is_forgotten(folder, text):
    before = folder_digest(folder)
    (memory,) = (folder.parent / "cache" / "digests").iterdir()
    memory.write_text(text)
    assert folder_digest(folder) == before
    assert memories(folder)[0]["files"]


def test_without_a_memory_it_works_too(folder, monkeypatch):
    before = folder_digest(folder)
    monkeypatch.setenv("TFNATIVE_CACHE", "/proc/tfnative")
    assert folder_digest(folder) == before


def test_only_some_files_may_count(folder):
    before = folder_digest(folder, lambda name: name.endswith(".pb"))
    remove(folder)
    assert folder_digest(folder, lambda name: name.endswith(".pb")) == before


def test_links_that_go_in_circles_end(folder):
    before = folder_digest(folder)
    (folder / "variables" / "up").symlink_to(folder)
    assert folder_digest(folder) == before


def test_pipes_are_not_read(folder):
    before = folder_digest(folder)
    os.mkfifo(folder / "pipe")
    assert folder_digest(folder) == before


def test_what_cannot_be_read_is_a_typed_error(folder):
    (folder / "lost").symlink_to(folder / "nowhere")
    with pytest.raises(NotFoundError, match="cannot read"):
        folder_digest(folder)
