# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The function of a program: what there is beside its steps."""

from __future__ import annotations

from pathlib import Path

from tests.aot.emit.example_programs import KERNEL, check_c, program


def test_an_output_that_is_an_input_is_copied(tmp_path: Path) -> None:
    text = check_c(program(KERNEL), tmp_path)
    assert "memcpy(out[1], IN(0, 0), 16);" in text
