# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Steps of every kind become C that a strict compiler takes."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from tests.aot.emit.example_programs import STEPS, check_c, dot, program
from tfnative_aot.emit.steps import EMITTERS
from tfnative_aot.program.steps import Step


@pytest.mark.parametrize("name", STEPS)
def test_every_kind_of_step_is_valid_c(name: str, tmp_path: Path) -> None:
    check_c(program(STEPS[name]), tmp_path)


def test_every_kind_of_step_can_be_emitted() -> None:
    assert (
        set(get_args(Step)) == {type(step) for step in STEPS.values()} == set(EMITTERS)
    )


def test_a_step_carries_the_name_of_its_tensorflow_op(tmp_path: Path) -> None:
    text = check_c(program(dot(packed=True)), tmp_path)
    assert "/* 1 hlo.1 <- model/dense/MatMul (MatMul) */" in text
