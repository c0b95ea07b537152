# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A call has the time until its deadline, and is tried again only within it."""

from __future__ import annotations

import time

import pytest

import tfnative
from tfnative.serving import deadlines
from tfnative.serving.options import Retry

GONE = tfnative.UnavailableError("gone")
RETRY = Retry(max_attempts=3, initial_delay_seconds=0.5, max_delay_seconds=0.5)


def test_without_a_deadline_there_is_no_end():
    assert deadlines.left(None) is None
    assert not deadlines.is_over(None, 1e9)


def test_the_time_that_is_left_ends():
    found = deadlines.left(time.monotonic() + 60)
    assert found is not None
    assert 50 < found <= 60
    with pytest.raises(tfnative.DeadlineExceededError, match="deadline has passed"):
        deadlines.left(time.monotonic() - 1)


def test_what_takes_longer_than_is_left_is_over():
    deadline = time.monotonic() + 60
    assert not deadlines.is_over(deadline, 0)
    assert not deadlines.is_over(deadline, 50)
    assert deadlines.is_over(deadline, 61)


@pytest.mark.parametrize(
    ("error", "attempts", "seconds", "is_tried"),
    [
        (GONE, 1, None, True),
        (GONE, 2, None, True),
        (GONE, 3, None, False),
        (GONE, 1, 60, True),
        (GONE, 1, -1, False),
        (tfnative.InternalError("no"), 1, None, False),
        (tfnative.DeadlineExceededError("late"), 1, None, False),
    ],
)
def test_what_is_gone_is_tried_again_within_its_time(
    error, attempts, seconds, is_tried
):
    deadline = None if seconds is None else time.monotonic() + seconds
    delay = deadlines.delay_after(error, attempts, RETRY, deadline)
    assert (delay is not None) == is_tried
    assert 0 <= (delay or 0) <= 0.5
