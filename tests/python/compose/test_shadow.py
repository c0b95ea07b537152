# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A candidate is compared, and nobody waits for it."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import tfnative
from tests.python.compose.test_fallback import Fixed, X


def test_answers_are_the_primarys_and_differences_are_counted():
    seen = []
    shadow = tfnative.Shadow(Fixed(1), Fixed(1.5), sample=1, on_difference=seen.append)
    with shadow:
        for _ in range(10):
            assert shadow.predict(X)[0, 0] == 1
        shadow.flush()
        found = shadow.metrics()
        assert (found.calls, found.compared, found.different) == (10, 10, 10)
        assert found.max_difference == 0.5
        assert found.errors == found.dropped == 0
    assert len(seen) == 10
    assert seen[0].found[0, 0] == 1.5
    np.testing.assert_array_equal(seen[0].inputs, X)


def test_small_differences_are_none():
    with tfnative.Shadow(Fixed(1), Fixed(1.0001), sample=1) as shadow:
        shadow.predict(X)
        shadow.flush()
        assert shadow.metrics().different == 0
    with tfnative.Shadow(Fixed(1), Fixed(1.0001), sample=1, rtol=1e-6) as shadow:
        shadow.predict(X)
        shadow.flush()
        assert shadow.metrics().different == 1


def test_the_candidates_errors_are_counted_and_not_raised():
    candidate = Fixed(1)
    candidate.error = RuntimeError("no")
    with tfnative.Shadow(Fixed(1), candidate, sample=1) as shadow:
        shadow.predict(X)
        shadow.flush()
        found = shadow.metrics()
    assert (found.errors, found.different) == (1, 1)


def test_a_slow_candidate_delays_nobody_and_memory_does_not_grow():
    free = threading.Event()

    class Stuck(Fixed):
        def predict(self, inputs, /, **options):
            free.wait()
            return super().predict(inputs, **options)

    shadow = tfnative.Shadow(Fixed(1), Stuck(1), sample=1)
    start = time.monotonic()
    for _ in range(200):
        shadow.predict(X)
    assert time.monotonic() - start < 5
    found = shadow.metrics()
    assert found.calls == 200
    assert found.dropped >= 200 - 64 - 1
    free.set()
    shadow.flush()
    assert shadow.metrics().compared == 200 - found.dropped
    shadow.close()


def test_only_a_sample_is_compared():
    candidate = Fixed(1)
    with tfnative.Shadow(Fixed(1), candidate, sample=0) as shadow:
        for _ in range(100):
            shadow.predict(X)
        shadow.flush()
    assert not candidate.asked
    with pytest.raises(tfnative.InvalidArgumentError, match=r"0 to 1, got 1\.5"):
        tfnative.Shadow(Fixed(1), Fixed(1), sample=1.5)


def test_what_the_caller_writes_later_is_not_compared():
    class Echo(Fixed):
        def predict(self, inputs, /, **options):
            time.sleep(0.1)
            return np.array(inputs)

    seen = []
    inputs = X.copy()
    shadow = tfnative.Shadow(Echo(1), Echo(1), sample=1, on_difference=seen.append)
    with shadow:
        answer = shadow.predict(inputs)
        inputs[:] = 5
        answer[:] = 7
        shadow.flush()
    assert not seen


@pytest.mark.parametrize(
    ("expected", "found", "close"),
    [
        ([np.nan, np.inf], [np.nan, np.inf], True),
        ([np.nan], [1.0], False),
        ([np.inf], [-np.inf], False),
        ([1.0], [[1.0]], False),
        ([], [], True),
    ],
)
def test_numbers_that_are_none_are_compared_too(expected, found, close):
    class Given(Fixed):
        def __init__(self, values):
            super().__init__(0)
            self.values = np.array(values, np.float32)

        def predict(self, inputs, /, **options):
            return self.values

    with tfnative.Shadow(Given(expected), Given(found), sample=1) as shadow:
        shadow.predict(X)
        shadow.flush()
        assert shadow.metrics().different == (not close)
