# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Global names, and where weights are found by them."""

from __future__ import annotations

from pathlib import Path

from tests.aot.emit.example_programs import check_c, dot, program


def test_weights_may_be_apart(tmp_path: Path) -> None:
    check_c(program(dot(packed=True)), tmp_path, weights_apart=True)
