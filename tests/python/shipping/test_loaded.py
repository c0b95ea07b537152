# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A process has a model once."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import pytest

from tfnative._backends.options import LoadOptions
from tfnative._shipping.loaded import loaded
from tfnative.errors import Error


def test_threads_get_one_model(fake: Path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(loaded(fake, LoadOptions())))
        for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_other_options_are_another_model(fake: Path):
    one, two = loaded(fake, LoadOptions()), loaded(fake, LoadOptions(threads=2))
    assert one is not two
    assert one is loaded(str(fake), LoadOptions())


def test_a_failure_is_not_kept(fake: Path, tmp_path: Path):
    with pytest.raises(Error):
        loaded(tmp_path / "later", LoadOptions())
    fake.rename(tmp_path / "later")
    try:
        assert loaded(tmp_path / "later", LoadOptions()).name == "fake"
    finally:
        (tmp_path / "later").rename(fake)


def _size(queue: multiprocessing.Queue, path: Path) -> None:
    model = loaded(path, LoadOptions())
    queue.put(model.signature("affine").name)


def test_a_fork_loads_its_own(fake: Path):
    loaded(fake, LoadOptions())
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_size, args=(queue, fake))
    child.start()
    assert queue.get(timeout=60) == "affine"
    child.join()
    assert child.exitcode == 0
