# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Programs that call kernels, for all CPU levels that can be run here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tfnative.errors import NotFoundError
from tfnative_aot.link.find_toolchain import find_toolchain
from tfnative_aot.link.kernels import KERNEL_FLAGS
from tfnative_aot.link.toolchain import COMMON_FLAGS, Toolchain, run, sources_dir
from tfnative_aot.machines.cpu_levels import CpuLevel
from tfnative_aot.machines.emulator import emulator, runs_level
from tfnative_aot.machines.targets import Target, find_target

ALL_PLACES = [
    (name, level)
    for name in ("linux-x86_64", "linux-aarch64", "linux-armv7")
    for level in find_target(name).named_levels
]
IS_ALL = os.environ.get("TFNATIVE_ALL_MACHINES", "") == "1"
PLACES = [
    (name, level)
    for name, level in ALL_PLACES
    if IS_ALL or name == "linux-x86_64" or level.name == "armv8.2-dotprod"
]
"""Targets and their CPU levels, for which kernels are compiled: with
``make test-machines`` all that there are."""

SANITIZED = ("-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def compile_program(
    target: Target,
    level: CpuLevel,
    folder: Path,
    sources: Sequence[str],
    caller: str,
    flags: Sequence[str] = ("-static",),
) -> tuple[str | Path, ...]:
    """Compiles kernels as artifacts have them, and what calls them.

    Skips the test where that cannot be compiled or run.

    Args:
        target: What it is for.
        level: CPU level of the kernels.
        folder: Where the program is put.
        sources: Of the kernels, without ".cc".
        caller: Name of a file of this folder that has ``main``.
        flags: More of them.

    Returns:
        What runs the program: more than one word if it is emulated.
    """
    try:
        toolchain = find_toolchain(target)
    except NotFoundError as error:
        pytest.skip(f"needs a compiler for {target.name}: {error}")
    prefix = emulator(target)
    if prefix is None:
        pytest.skip(f"needs QEMU for {target.arch} (qemu-user)")
    if not runs_level(prefix, level):
        pytest.skip(f"nothing here runs {level.name}")
    kernels, _ = sources_dir()
    all_flags = [*kernel_flags(toolchain, level), *flags]
    files = [kernels / f"{name}.cc" for name in sources]
    source = Path(__file__).with_name(caller)
    program = folder / source.stem
    run([*toolchain.cxx, *all_flags, *files, source, "-o", program])
    return (*prefix, program)


def kernel_flags(toolchain: Toolchain, level: CpuLevel) -> list[str]:
    """What kernels are compiled with, as artifacts have them."""
    kernels, include = sources_dir()
    flags = [*COMMON_FLAGS, *KERNEL_FLAGS, *toolchain.target_flags(level)]
    return [*flags, f"-DTFN_LEVEL={level.tag}", f"-I{kernels}", f"-I{include}"]


def call(command: Sequence[str | Path], content: bytes) -> bytes:
    """What a program says of what it is told."""
    print(f"{Path(command[-1]).name} ran {'emulated' if len(command) > 1 else 'here'}")
    return subprocess.run(
        command, input=content, stdout=subprocess.PIPE, check=True
    ).stdout
