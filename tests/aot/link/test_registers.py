# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The loops that products are made of keep their sums in registers.

A loop whose sums are in memory gives the same answers, in twice the time.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import takewhile
from pathlib import Path

import pytest

from tests.aot.link.kernel_programs import IS_ALL, kernel_flags
from tests.aot.link.toolchains import gnu, zig
from tfnative_aot.link.toolchain import Toolchain, run, sources_dir
from tfnative_aot.machines.cpu_levels import X86_LEVELS
from tfnative_aot.machines.targets import find_target

LEVELS = {level.name: level for level in X86_LEVELS}
X86 = find_target("linux-x86_64")
TOOLCHAINS = {"gcc": gnu(X86), "zig": zig(X86)}
FEWEST_LOOPS = 40
"""Of as many tiles, each of some rows and vectors."""

every_machine = pytest.mark.skipif(
    not IS_ALL,
    reason="other compilers show it for these levels: TFNATIVE_ALL_MACHINES=1",
)

Loop = list[str]


def compiled(toolchain: Toolchain, level: str, output: Path) -> Path:
    """The tiles of a level, with the flags of an artifact."""
    kernels, _ = sources_dir()
    flags = kernel_flags(toolchain, LEVELS[level])
    run([*toolchain.cxx, *flags, "-c", kernels / "gemm/tile_f32.cc", "-o", output])
    return output


def innermost_loops(listing: str) -> list[Loop]:
    """Instructions from the target of a jump back to it, without jumps between."""
    loops = []
    for function in listing.split("\n\n"):
        lines = re.findall(r"^ +([0-9a-f]+):\t(.+)$", function, re.MULTILINE)
        places = {address: n for n, (address, _) in enumerate(lines)}
        for n, (_, instruction) in enumerate(lines):
            jump = re.match(r"j\w+ +([0-9a-f]+)", instruction)
            begin = places.get(jump[1], n) if jump else n
            body = [text for _, text in lines[begin:n]]
            if begin < n and not any(text.startswith("j") for text in body):
                loops.append(body)
    return loops


def spills(loop: Loop) -> Loop:
    """What a loop reads or writes of its stack, a vector at a time."""
    return [
        text for text in loop if text.startswith("v") and re.search(r"\(%r[sb]p", text)
    ]


@pytest.mark.parametrize(
    ("compiler", "level"),
    [
        ("gcc", "x86-64-v3"),
        ("zig", "x86-64-v4"),
        pytest.param("gcc", "x86-64-v4", marks=every_machine),
        pytest.param("zig", "x86-64-v3", marks=every_machine),
    ],
)
def test_sums_of_a_tile_stay_in_registers(
    compiler: str, level: str, tmp_path: Path
) -> None:
    for program in ("objdump", *(["g++"] if compiler == "gcc" else [])):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}")
    tiles = compiled(TOOLCHAINS[compiler], level, tmp_path / "tiles.o")
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", tiles],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    loops = [
        loop
        for loop in innermost_loops(listing)
        if any(text.startswith("vfmadd") for text in loop)
    ]
    assert len(loops) >= FEWEST_LOOPS
    for loop in loops:
        assert not spills(loop), "\n".join(loop)


def test_a_loop_with_its_sums_in_memory_is_found() -> None:
    lines = ["vmovaps 0x20(%rsp),%ymm0", "vfmadd231ps (%rax),%ymm1,%ymm0", "jne    10"]
    listing = "\n".join(f"  {16 + n:x}:\t{text}" for n, text in enumerate(lines))
    (loop,) = innermost_loops(listing)
    assert loop == lines[:-1]
    assert spills(loop) == list(takewhile(lambda text: "rsp" in text, lines))
