# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The function of a program: what there is beside its steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.aot.emit.example_programs import KERNEL, TEMP, check_c, program
from tfnative_aot.program.memory import Shape, Slice


def test_an_output_that_is_an_input_is_copied(tmp_path: Path) -> None:
    text = check_c(program(KERNEL), tmp_path)
    assert "memcpy(out[1], IN(0, 0), 16);" in text


def test_what_checks_found_is_no_output_but_what_the_run_returns(
    tmp_path: Path,
) -> None:
    plain = program(KERNEL)
    words = Slice(TEMP, 0, 40)
    checked = replace(
        plain,
        output_shapes=(*plain.output_shapes, Shape("s64", (5,), (0,))),
        output_slices=(*plain.output_slices, words),
        check_values=(2, 1),
    )
    text = check_c(checked, tmp_path)
    assert "static const int32_t check_values[] = {2, 1};" in text
    assert "return tfn_find_failure(TEMP(0), check_values," in text
    assert "out[2]" not in text
