# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batches are those that TensorFlow's own batching op makes of the same requests.

Where TensorFlow Serving differs from that op, ours does as Serving does, and a test
says so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import time
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

import tfnative
from tests.python.batch.contestants import (
    Contestant,
    Options,
    Ours,
    Run,
    TensorFlow,
    request_rows,
)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow"
)
# Before anything imports TensorFlow, which reads it once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

AnyContestant = TypeVar("AnyContestant", bound=Contestant)

FINISH, FAIL = "finish", "fail"
"""What may happen to the oldest batch that is being run."""

Action = int | str
"""That, or a request with so many rows."""


@contextlib.contextmanager
def closing(contestant: AnyContestant) -> Iterator[AnyContestant]:
    try:
        yield contestant
    finally:
        contestant.close()


class Play:
    """Requests that come one after the other, while each batch runs until it is let go.

    After each action there is nothing left to chance: as many batches run as there are
    threads, or nothing waits.
    """

    def __init__(self, contestant: Contestant) -> None:
        self.contestant = contestant
        self.asked: list[int] = []
        self._ended: set[Run] = set()

    def do(self, action: Action) -> None:
        if isinstance(action, int):
            number = len(self.asked)
            self.asked.append(action)
            self.contestant.submit(number, request_rows(number, action))
        elif self._running():
            oldest = min(self._running(), key=lambda run: run.keys)
            oldest.fails = action == FAIL and self._is_all_that_is_left(oldest)
            self._ended.add(oldest)
            oldest.may_end.set()
        self._settle()

    def finish(self) -> None:
        """Lets all batches end."""
        while self._running():
            self.do(FINISH)
        while len(self.contestant.outcomes) < len(self.asked):
            self.contestant.wait_for_event()

    def _is_all_that_is_left(self, run: Run) -> bool:
        """Whether the requests of a batch have no rows that are still to be run.

        TensorFlow does not run what is left of a request that has failed, nor what is
        in one batch with it.
        """
        ended = {key for other in self._ended for key in other.keys} | set(run.keys)
        return all(
            self._rows_of(key // 1000, ended) == self.asked[key // 1000]
            for key in run.keys
        )

    @staticmethod
    def _rows_of(number: int, keys: set[int]) -> int:
        return sum(key // 1000 == number for key in keys)

    def _running(self) -> list[Run]:
        return [run for run in self.contestant.runs if run not in self._ended]

    def _settle(self) -> None:
        threads = self.contestant.options.num_batch_threads
        while len(self._running()) < threads and self._waiting_rows() > 0:
            self.contestant.wait_for_event()

    def _waiting_rows(self) -> int:
        begun = {key for run in self.contestant.runs for key in run.keys}
        return sum(
            rows - self._rows_of(number, begun)
            for number, rows in enumerate(self.asked)
            if number not in self.contestant.outcomes  # Else refused, or all begun.
        )


def batches(contestant: Contestant) -> list[tuple[tuple[int, ...], int]]:
    """The rows of each batch, and how many it had with padding."""
    return sorted((run.keys, len(run.rows)) for run in contestant.runs)


def outcomes(contestant: Contestant, asked: list[int]) -> list[str]:
    """What became of each request. An answer has to be the right one."""
    found = []
    for number, rows in enumerate(asked):
        outcome = contestant.outcomes[number]
        if isinstance(outcome, np.ndarray):
            np.testing.assert_array_equal(outcome, 2 * request_rows(number, rows) + 1)
            outcome = "answered"
        found.append(outcome)
    return found


@st.composite
def all_options(draw: st.DrawFn) -> Options:
    largest = draw(st.integers(1, 8))
    splitting = draw(st.booleans())
    sizes = draw(st.sets(st.integers(1, largest), max_size=3))
    if sizes and not splitting:
        sizes.add(largest)
    return Options(
        max_batch_size=largest,
        allowed_batch_sizes=tuple(sorted(sizes)),
        enable_large_batch_splitting=splitting,
        max_enqueued_batches=draw(st.integers(1, 4)),
        num_batch_threads=draw(st.integers(1, 2)),
    )


requests = st.integers(1, 9)
actions = st.lists(
    st.one_of(requests, requests, requests, st.sampled_from([FINISH, FINISH, FAIL])),
    min_size=3,
    max_size=25,
)
few = settings(
    max_examples=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.slow
@few
@given(options=all_options(), actions=actions)
@example(  # A full queue, of full batches and of others.
    options=Options(max_batch_size=4, max_enqueued_batches=2),
    actions=[1, 3, 2, 3, 4, 1, 1, FINISH, 4, 1, 5],
)
@example(  # A request in four batches, of which the last one fails.
    options=Options(8, (2,), True, max_enqueued_batches=4),
    actions=[1, 1, 7, 8, FINISH, FINISH, FINISH, FINISH, FAIL, 3],
)
def test_the_same_batches_are_made_of_what_comes_while_threads_are_busy(
    options: Options, actions: list[Action]
):
    def play(contestant: Contestant) -> tuple[list[object], list[str]]:
        play = Play(contestant)
        seen: list[object] = []
        for action in actions:
            play.do(action)
            seen.append(batches(contestant))
        play.finish()
        return [*seen, batches(contestant)], outcomes(contestant, play.asked)

    with closing(TensorFlow(options)) as theirs, closing(Ours(options)) as ours:
        assert play(ours) == play(theirs)
        assert all(np.array_equal(run.rows, padded(run, 0)) for run in theirs.runs)
        assert all(
            np.array_equal(run.rows, padded(run, first_row_of_the_last_request(run)))
            for run in ours.runs
        )


def padded(run: Run, row: int) -> np.ndarray:
    """The rows of a batch, padded with copies of one of them."""
    rows = run.rows[: len(run.keys)]
    copies = len(run.rows) - len(rows)
    return np.concatenate([rows, np.repeat(rows[row : row + 1], copies, axis=0)])


def first_row_of_the_last_request(run: Run) -> int:
    numbers = [key // 1000 for key in run.keys]
    return numbers.index(numbers[-1])


def test_padding_is_that_of_tensorflow_serving_and_not_that_of_the_op():
    """The op copies the first request's first row, Serving the last request's."""
    options = Options(max_batch_size=8, allowed_batch_sizes=(1, 6, 8))
    for contestant, expected in ((TensorFlow, 1000), (Ours, 2000)):
        with closing(contestant(options)) as batcher:
            play = Play(batcher)
            for rows in (1, 2, 2):
                play.do(rows)
            play.finish()
            keys = batcher.runs[1].rows[:, 0].tolist()
            assert keys == [1000, 1001, 2000, 2001, expected, expected]


A_DAY = 24 * 3600 * 1_000_000


@few
@given(options=all_options(), sizes=st.lists(requests, min_size=1, max_size=25))
def test_the_same_batches_wait_for_more_rows_while_a_thread_is_free(
    options: Options, sizes: list[int]
):
    options = Options(
        options.max_batch_size,
        options.allowed_batch_sizes,
        options.enable_large_batch_splitting,
        batch_timeout_micros=min(A_DAY, 2**31 - 1),
    )
    sizes = [min(rows, options.max_batch_size) for rows in sizes]
    largest = options.largest_batch
    open_rows = 0
    for rows in sizes:
        if options.enable_large_batch_splitting:
            open_rows = (open_rows + rows - 1) % largest + 1
        else:
            open_rows = rows if open_rows + rows > largest else open_rows + rows
    waiting = open_rows % largest

    def play(contestant: Contestant) -> tuple[object, list[str]]:
        contestant.let_all_end()
        asked = list(sizes)
        for number, rows in enumerate(sizes):
            contestant.submit(number, request_rows(number, rows))
        while begun_rows(contestant) < sum(sizes) - waiting:
            contestant.wait_for_event()
        time.sleep(0.002)
        contestant.note_events()
        assert begun_rows(contestant) == sum(sizes) - waiting
        if waiting:
            asked.append(largest - waiting)
            contestant.submit(len(sizes), request_rows(len(sizes), asked[-1]))
        while len(contestant.outcomes) < len(asked):
            contestant.wait_for_event()
        return batches(contestant), outcomes(contestant, asked)

    clock = tfnative.FakeClock()
    with closing(TensorFlow(options)) as theirs, closing(Ours(options, clock)) as ours:
        assert play(ours) == play(theirs)


def begun_rows(contestant: Contestant) -> int:
    return sum(len(run.keys) for run in contestant.runs)


@pytest.mark.parametrize("contestant", [TensorFlow, Ours])
def test_the_timeout_is_counted_from_the_first_request_of_a_batch(contestant):
    seconds = 0.2
    options = Options(batch_timeout_micros=round(seconds * 1e6))
    with closing(contestant(options)) as batcher:
        batcher.let_all_end()
        for number in range(0, 100, 2):
            begin = time.monotonic()
            batcher.submit(number, request_rows(number, 1))
            time.sleep(seconds / 2)
            batcher.submit(number + 1, request_rows(number + 1, 1))
            came = time.monotonic() - begin
            while not (number in batcher.outcomes and number + 1 in batcher.outcomes):
                batcher.wait_for_event()
            took = time.monotonic() - begin
            assert took >= seconds
            # Unless the machine was busy with something else: then, again.
            if came < seconds and took < came + seconds:
                break
        assert len(batcher.runs[-1].rows) == 2
        assert took < came + seconds


@settings(parent=few, max_examples=100)
@given(
    options=st.builds(
        Options,
        max_batch_size=st.integers(1, 6),
        allowed_batch_sizes=st.lists(st.integers(1, 7), max_size=3).map(tuple),
        enable_large_batch_splitting=st.booleans(),
        max_enqueued_batches=st.integers(1, 2),
        num_batch_threads=st.integers(1, 2),
        batch_timeout_micros=st.integers(-1, 1),
    )
)
def test_the_same_options_are_refused(options: Options):
    with closing(TensorFlow(options)) as theirs:
        theirs.let_all_end()
        theirs.submit(0, request_rows(0, 1))
        while not theirs.outcomes:
            theirs.wait_for_event()
        expected = theirs.outcomes[0]
    found: object = None
    try:
        Ours(options).close()
    except tfnative.InvalidArgumentError as error:
        found = type(error).__name__
    if isinstance(expected, np.ndarray):
        assert found is None
    else:
        assert found == expected


def test_a_request_without_rows_is_answered_without_a_run():
    """By TensorFlow with a shape of (0,), whatever the shape of a row."""
    for contestant in (TensorFlow, Ours):
        with closing(contestant(Options())) as batcher:
            batcher.submit(0, request_rows(0, 0))
            while not batcher.outcomes:
                batcher.wait_for_event()
            assert len(batcher.outcomes[0]) == 0
            assert batcher.runs == []
