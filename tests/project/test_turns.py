# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tests that run at the same time share what they make, and let some run alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.turns import made_once, turn


def test_what_many_want_is_made_once(tmp_path: Path):
    made = []

    def make(folder: Path) -> Path:
        made.append(folder)
        (folder / "content").write_text("x")
        return folder / "content"

    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: made_once(tmp_path)("a/b", make), range(8)))
    (path,) = paths
    assert path.read_text() == "x"
    assert len(made) == 1


def test_a_failure_is_not_kept(tmp_path: Path):
    def fail(folder: Path) -> Path:
        (folder / "half").touch()
        raise ValueError("no")

    once = made_once(tmp_path)
    with pytest.raises(ValueError, match="no"):
        once("a", fail)
    folder = once("a", lambda folder: folder)
    assert list(folder.iterdir()) == []


def test_one_that_is_alone_waits_for_others_and_they_for_it(tmp_path: Path):
    order: list[str] = []
    others, first_is_in = threading.Barrier(2), threading.Event()

    def other() -> None:
        with turn(tmp_path, alone=False):
            others.wait(60)  # Two are in at the same time.
            first_is_in.set()
            order.append("other")

    def alone() -> None:
        first_is_in.wait(60)
        with turn(tmp_path, alone=True):
            order.append("in")
            late.start()
            late.join(0.05)  # Not long enough to prove it, and it must not come in.
            order.append("out")

    def come_late() -> None:
        with turn(tmp_path, alone=False):
            order.append("late")

    late = threading.Thread(target=come_late)
    threads = [threading.Thread(target=work) for work in (other, other, alone)]
    for thread in threads:
        thread.start()
    for thread in [*threads, late]:
        thread.join()
    assert order == ["other", "other", "in", "out", "late"]
