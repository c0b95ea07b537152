# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The CPU, and the code that runs on it."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from tfnative._core import host_cpu_level

_LOWEST, _HIGHEST = 2, 4

# Levels for products of 8 bits, which models have on request, and what the kernel calls
# what they need.
_FEATURES = {
    "x86-64-v3-vnni": "avx_vnni",
    "x86-64-v4-vnni": "avx512_vnni",
    "x86-64-v4-amx": "amx_int8",
    "armv8.2-dotprod": "asimddp",
    "armv8.6-i8mm": "i8mm",
}


@dataclass(frozen=True)
class Cpu:
    """The CPU.

    Attributes:
        model: Its name.
        machine: Its architecture, as "x86_64".
        cores: How many this process may use.
        levels: CPU levels that it can run, ascending, of those that models have if none
            is chosen.
        level: The level that models run at by default.
        problem: What is wrong with the level that TFNATIVE_CPU_LEVEL names, or "".
    """

    model: str
    machine: str
    cores: int
    levels: tuple[str, ...]
    level: str
    problem: str


def find_cpu() -> Cpu:
    """What this machine has."""
    best = host_cpu_level()
    match = re.fullmatch(r"x86-64-v(\d+)", best)
    levels: tuple[str, ...] = ("generic",) if best == "aarch64" else ()
    if match:
        highest = min(int(match[1]), _HIGHEST)
        levels = tuple(f"x86-64-v{n}" for n in range(_LOWEST, highest + 1))
    named = os.environ.get("TFNATIVE_CPU_LEVEL", "")
    problem = ""
    if named and named not in levels and not _has_feature(named):
        problem = (
            f"TFNATIVE_CPU_LEVEL is {named!r}, which this CPU cannot run: no compiled "
            "model will load"
        )
    return Cpu(
        model=_model(),
        machine=platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        levels=levels,
        level=named or (levels[-1] if levels else ""),
        problem=problem,
    )


def _has_feature(level: str) -> bool:
    feature = _FEATURES.get(level)
    pattern = rf"^(?:flags|Features)\s*:.*\b{feature}\b"
    return feature is not None and bool(re.search(pattern, _cpuinfo(), re.MULTILINE))


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return ""


def _model() -> str:
    pattern = r"^(?:model name|Model|Hardware)\s*:\s*(.+)$"
    match = re.search(pattern, _cpuinfo(), re.MULTILINE)
    return match[1].strip() if match else platform.processor() or platform.machine()
