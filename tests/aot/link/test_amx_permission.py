# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Emitted code takes the matrix unit of x86-64 where Linux lets a process use it."""

from __future__ import annotations

from pathlib import Path

from tests.aot.link.kernel_programs import call, compile_program
from tfnative_aot.machines.targets import chosen_levels, find_target

LINUX = find_target("linux-x86_64")
(AMX,) = chosen_levels(LINUX, ["x86-64-v4-amx"])


def test_a_refused_permission_leaves_the_levels_without_it(tmp_path: Path) -> None:
    command = compile_program(LINUX, AMX, tmp_path, (), "amx_permission.cc")
    assert call(command, b"") == b"1 1 1"
    assert call((*command, "refused"), b"") == b"1 0 1"
