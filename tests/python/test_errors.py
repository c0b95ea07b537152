# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The tree of exceptions."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from tfnative import errors

HEADER = Path(__file__).resolve().parents[2] / "cpp" / "include" / "tfnative"
CLASSES = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("kind", CLASSES)
def test_all_are_errors_and_can_be_pickled(kind):
    error = pickle.loads(pickle.dumps(kind("what")))
    assert isinstance(error, errors.Error)
    assert str(error) == "what"


def test_an_invalid_argument_is_a_value_error():
    assert issubclass(errors.InvalidArgumentError, ValueError)


def test_every_code_of_the_run_time_has_its_class():
    text = (HEADER / "error.hpp").read_text()
    codes = re.findall(r"k(\w+) = (\d+),", text)
    assert len(codes) == 9
    for name, number in codes:
        assert errors.type_for(int(number)).__name__ == f"{name}Error"
    assert errors.type_for(99) is errors.InternalError
    assert errors.type_for(9, True) is errors.LoadError
    assert errors.type_for(5, True) is errors.NotFoundError


def test_every_error_has_a_code():
    for number in (1, 3, 4, 5, 7, 8, 9, 12, 13, 14):
        assert errors.code_of(errors.type_for(number)("what")) == number
    assert errors.code_of(errors.LoadError("what")) == 9
    assert errors.code_of(ValueError("what")) is None
