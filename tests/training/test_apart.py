# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a process of its own returns, raises, or leaves behind."""

from __future__ import annotations

import os
import signal

import pytest

from training.apart import apart
from training.errors import DataError, TrainingError

pytestmark = pytest.mark.slow


def add(one: int, two: int) -> tuple[int, int]:
    return one + two, os.getpid()


def refuse() -> None:
    raise DataError("no rows")


def divide(by: int) -> float:
    return 1 / by


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_value_comes_from_another_process():
    value, pid = apart(add, 2, 3)
    assert value == 5
    assert pid != os.getpid()


def test_errors_are_those_of_the_function():
    with pytest.raises(DataError, match=r"^no rows$"):
        apart(refuse)
    with pytest.raises(TrainingError, match="ZeroDivisionError: division by zero"):
        apart(divide, 0)


def test_a_process_that_is_ended_is_said():
    with pytest.raises(TrainingError, match=r"ended with -9: memory was short"):
        apart(die)
