# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which of the batching parameters that were tried are proposed."""

from __future__ import annotations

from dataclasses import asdict

import pytest

import tfnative
from tfnative._batch.trials import NEARLY, choose


def trial(speed: float, p99_ms: float, failed: int = 0) -> tfnative.BatchTrial:
    parameters = tfnative.BatchParameters(8, 0, 1)
    answered = 1000 - failed if speed else 0
    return tfnative.BatchTrial(
        parameters, speed, 100, p99_ms * 1e3, 4, answered, failed
    )


def test_most_rows_within_the_target_are_proposed():
    slow, fast, late = trial(100, 1), trial(200, 5), trial(900, 50)
    assert choose([slow, fast, late], 10) == (fast, True)
    assert choose([slow, fast, late], None) == (late, True)


def test_what_takes_just_the_target_is_in_time():
    assert choose([trial(100, 10), trial(50, 9)], 10) == (trial(100, 10), True)


def test_of_those_that_are_nearly_as_fast_the_soonest_is_proposed():
    fast, nearly, not_nearly = trial(1000, 9), trial(960, 2), trial(900, 1)
    assert choose([fast, nearly, not_nearly], 10) == (nearly, True)
    assert choose([fast, nearly, not_nearly], None) == (nearly, True)


def test_what_is_just_near_enough_is_nearly_as_fast():
    fast, just = trial(1000, 9), trial(1000 * NEARLY, 2)
    assert choose([fast, just], 10) == (just, True)


def test_what_is_late_does_not_say_what_is_nearly_as_fast():
    late, fast, nearly = trial(9000, 50), trial(1000, 9), trial(960, 2)
    assert choose([late, fast, nearly], 10) == (nearly, True)


def test_if_all_are_late_the_soonest_is_proposed():
    soon, fast = trial(100, 20), trial(900, 30)
    assert choose([fast, soon], 10) == (soon, False)


def test_failures_that_do_not_count_do_not_decide_either():
    sooner, complete = trial(100, 20, failed=5), trial(100, 30)
    assert choose([complete, sooner], 10) == (sooner, False)


def test_what_answered_nothing_is_not_proposed():
    assert choose([trial(0, 0), trial(1, 9)], None) == (trial(1, 9), True)
    with pytest.raises(tfnative.FailedPreconditionError, match="no request"):
        choose([trial(0, 0)], None)


@pytest.mark.parametrize("target", [None, 100])
def test_what_fails_more_than_one_request_of_100_is_late(target):
    rejecting, complete = trial(900, 1, failed=11), trial(100, 9)
    assert choose([rejecting, complete], target) == (complete, True)
    assert choose([rejecting], target) == (rejecting, False)
    hardly = trial(900, 1, failed=10)
    assert choose([hardly, complete], target) == (hardly, True)


def test_if_all_fail_requests_the_one_that_fails_least_is_proposed():
    worse, better = trial(900, 1, failed=500), trial(100, 50, failed=400)
    assert choose([worse, better], 10) == (better, False)
    late = trial(100, 99, failed=10)
    assert choose([worse, better, late], 10) == (late, False)


@pytest.mark.parametrize("sizes", [(), (2, 4, 8)])
def test_parameters_are_those_of_a_batcher_and_of_its_file(slow, tmp_path, sizes):
    parameters = tfnative.BatchParameters(8, 300, 3, sizes)
    file = tmp_path / "batching.txt"
    file.write_text(parameters.to_text_proto())
    with (
        tfnative.Batcher.from_text_proto(file, slow) as read,
        tfnative.Batcher(slow, **asdict(parameters)) as made,
    ):
        # The file has no field for retries; TensorFlow Serving always retries.
        differing = {n for n in read.options if read.options[n] != made.options[n]}
        assert differing == {"retry_max_time_micros"}
        for name, value in asdict(parameters).items():
            assert type(value)(made.options[name]) == value
