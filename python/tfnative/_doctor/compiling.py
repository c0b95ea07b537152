# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What `tfnative compile` would work with."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass

from tfnative._compile import door
from tfnative.errors import Error


@dataclass(frozen=True)
class Compiler:
    """A C and C++ compiler.

    Attributes:
        command: Its command.
        version: What it says of itself, or "".
        problem: Why it cannot be used, or "".
    """

    command: str
    version: str
    problem: str


@dataclass(frozen=True)
class Compiling:
    """Whether models can be compiled here.

    Attributes:
        tensorflow_version: Of the TensorFlow that compiles, or "".
        compilers: Those that are found; the first one is used.
        targets: CPU levels that models can be compiled for.
        problems: What stands in the way; empty if models can be compiled.
    """

    tensorflow_version: str
    compilers: tuple[Compiler, ...]
    targets: tuple[str, ...]
    problems: tuple[str, ...]


def find_compiling() -> Compiling:
    """Looks for what compiling needs. Imports no TensorFlow."""
    if not door.is_there():
        problem = 'tfnative_aot is not installed: pip install "tfnative[aot]"'
        return Compiling("", (), (), (problem,))
    problems: list[str] = []
    version = ""
    targets: tuple[str, ...] = ()
    try:
        version = door.supported_version()
    except Error as error:
        problems.append(str(error))
    try:
        targets = tuple(level.name for level in door.host_target().levels)
    except Error as error:
        problems.append(str(error))
    compilers = _compilers()
    try:
        door.find_toolchain()
        if compilers[0].problem:
            problems.append(f"a compiler that runs: {compilers[0].problem}")
    except Error as error:
        problems.append(str(error))
    return Compiling(version, compilers, targets, tuple(problems))


def _compilers() -> tuple[Compiler, ...]:
    found: dict[tuple[str, ...], Compiler] = {}
    for toolchain in door.toolchains(door.host_target()):
        command, version, problem = shlex.join(toolchain.cc), "", ""
        # cc and gcc are often the same.
        program, *rest = toolchain.cc
        same = (os.path.realpath(shutil.which(program) or program), *rest)
        try:
            version = toolchain.version
        except Error as error:
            problem = str(error)
        found.setdefault(same, Compiler(command, version, problem))
    return tuple(found.values())
