# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model arrives as it was sent, once, whoever else unpacks it."""

from __future__ import annotations

import io
import os
import shutil
import stat
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
import tfnative.cache
from tfnative._shipping.archive import pack, packed, unpack
from tfnative.errors import (
    FailedPreconditionError,
    InternalError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def content(model: Path) -> bytes:
    file = io.BytesIO()
    pack(model, file)
    return file.getvalue()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_model_arrives_as_it_was(fake: Path):
    there = unpack(packed(fake), lambda: content(fake))
    assert files(there) == files(fake)
    with tfnative.load(there) as model:
        x = np.ones((2, 3), np.float32)
        found = model.predict({"x": x}, signature="affine")
        np.testing.assert_array_equal(found["y"], 2 * x + 1)


def test_a_library_in_a_folder_is_named(fake: Path):
    (library,) = fake.glob("*.so")
    there = unpack(packed(library), lambda: content(library))
    assert there.name == library.name
    assert files(there.parent) == files(fake)


def test_the_same_model_is_sent_once(fake: Path, tmp_path: Path):
    shutil.copytree(fake, tmp_path / "elsewhere" / fake.name)
    assert packed(fake) == packed(tmp_path / "elsewhere" / fake.name)
    assert content(fake) == content(tmp_path / "elsewhere" / fake.name)
    unpack(packed(fake), lambda: content(fake))
    unpack(packed(fake), lambda: pytest.fail("it is there"))


def test_another_model_has_another_place(fake: Path, tmp_path: Path):
    other = tmp_path / "other" / fake.name
    shutil.copytree(fake, other)
    (other / "labels.txt").write_text("a")
    assert packed(other).name != packed(fake).name


def test_many_threads_unpack_one_model(fake: Path, cache: Path):
    sent, found, called = content(fake), [], []

    def get() -> bytes:
        called.append(1)
        return sent

    def run() -> None:
        found.append(unpack(packed(fake), get))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(found)) == 1
    assert len(called) == 1
    assert files(found[0]) == files(fake)


@pytest.mark.parametrize(
    "damage",
    [
        lambda x: x[:-40],
        lambda x: b"",
        lambda x: x[len(x) // 2 :],
        lambda x: x.replace(b"weights of", b"WEIGHTS of"),
    ],
    ids=["end", "all", "beginning", "byte"],
)
def test_what_did_not_arrive_is_not_there(fake: Path, cache: Path, damage: Any):
    sent = damage(content(fake))
    with pytest.raises(InternalError, match="did not arrive"):
        unpack(packed(fake), lambda: sent)
    left = [each.name for each in (cache / "shipped").iterdir()]
    assert all(name.endswith(".lock") for name in left)
    unpack(packed(fake), lambda: content(fake))


def test_clearing_the_cache_removes_it_and_it_comes_again(fake: Path, cache: Path):
    there = unpack(packed(fake), lambda: content(fake))
    (cache / "shipped" / ".left-by-a-killed-process").mkdir()
    assert tfnative.cache.clear(timedelta(hours=1)).bytes == 0
    assert there.exists()
    assert tfnative.cache.clear().bytes >= len(content(fake)) // 2
    assert not list((cache / "shipped").iterdir())
    assert files(unpack(packed(fake), lambda: content(fake))) == files(fake)


def test_a_cache_of_others_is_refused(fake: Path, cache: Path):
    cache.mkdir()
    cache.chmod(0o777)
    with pytest.raises(PermissionDeniedError, match="TFNATIVE_CACHE"):
        unpack(packed(fake), lambda: content(fake))


def test_only_its_owner_may_write_it(fake: Path):
    before = os.umask(0)
    try:
        there = unpack(packed(fake), lambda: content(fake))
    finally:
        os.umask(before)
    for path in (there, *there.rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o022, path


def test_a_full_disk_is_said(fake: Path, monkeypatch: pytest.MonkeyPatch, cache: Path):
    import zipfile

    def full(self: Any, *args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    with pytest.raises(ResourceExhaustedError, match="No space left"):
        unpack(packed(fake), lambda: content(fake))


def test_a_cache_that_is_a_file_is_said(fake: Path, cache: Path):
    cache.write_text("")
    with pytest.raises(FailedPreconditionError, match="TFNATIVE_CACHE"):
        unpack(packed(fake), lambda: content(fake))


def test_what_came_is_what_was_sent(fake: Path, tmp_path: Path):
    other = tmp_path / "other"
    shutil.copytree(fake, other)
    (other / "labels.txt").write_text("a")
    with pytest.raises(InternalError, match="did not arrive as it was sent"):
        unpack(packed(fake), lambda: content(other))


def test_a_model_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(NotFoundError, match="nothing"):
        packed(tmp_path / "nothing")
