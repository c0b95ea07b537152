# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Stages that work at once give what one after the other would give."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from tfnative._score.pipeline import ahead


def threads() -> int:
    return sum(thread.name == "tfnative-score" for thread in threading.enumerate())


def test_values_come_in_order_and_all_of_them():
    assert list(ahead(ahead(iter(range(100))))) == list(range(100))
    assert list(ahead(iter(()))) == []
    assert not threads()


def test_an_error_comes_behind_the_values_before_it():
    def values() -> Iterator[int]:
        yield from range(3)
        raise ValueError("the fourth")

    seen: list[int] = []
    with pytest.raises(ValueError, match="the fourth"):
        seen.extend(ahead(ahead(values())))
    assert seen == [0, 1, 2]
    assert not threads()


def test_no_more_is_made_than_is_taken_soon():
    made = itertools.count()
    values = ahead(iter(lambda: next(made), None))
    assert next(values) == 0
    time.sleep(0.3)
    assert next(made) <= 5
    values.close()
    assert not threads()


def test_who_leaves_early_closes_what_it_took_from():
    closed = []

    def values() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.append(True)

    taken = ahead(ahead(values()))
    assert next(taken) == 0
    taken.close()
    assert closed == [True]
    assert not threads()
