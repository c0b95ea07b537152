# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The constants of an artifact."""

from __future__ import annotations

from tests.aot.emit.example_programs import dot, program
from tfnative_aot.emit.weights import WeightPool


def test_equal_constants_are_kept_once() -> None:
    first, second = program(dot()), program(dot("s32"))
    assert len(WeightPool([first, second]).data) == 64
