# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds what runs programs of other machines here."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from tfnative.errors import UnimplementedError
from tfnative_aot.machines.cpu_levels import (
    DOTPROD,
    I8MM,
    CpuLevel,
    host_has,
    host_x86_level,
)
from tfnative_aot.machines.targets import Target, host_target


def emulator(target: Target) -> tuple[str, ...] | None:
    """What runs a program for a target here; () if nothing is needed, None if none."""
    if target.system != "linux":
        return None
    try:
        host = host_target()
    except UnimplementedError:
        host = None
    if host is not None and (host.arch, host.system) == (target.arch, target.system):
        return ()
    names = {"aarch64": "qemu-aarch64", "armv7": "qemu-arm", "x86_64": "qemu-x86_64"}
    for name in (names[target.arch], f"{names[target.arch]}-static"):
        path = shutil.which(name)
        if path:
            return (path,)
    return None


def runs_level(prefix: Sequence[str], level: CpuLevel) -> bool:
    """Whether code for a CPU level runs here, given what ``emulator`` says.

    An emulator has neither AVX-512 nor what multiplies in 8 bits on x86-64, and this
    machine what it has.
    """
    if prefix:
        return level.x86_level <= 3 and not level.features & ~(DOTPROD | I8MM)
    return level.x86_level <= host_x86_level() and host_has(level.features)
