# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Toolchains that tests name, whatever the environment would choose."""

from __future__ import annotations

import sys

from tfnative_aot.link.toolchain import Toolchain
from tfnative_aot.machines.targets import Target

ZIG = (sys.executable, "-m", "ziglang")


def gnu(target: Target, prefix: str = "") -> Toolchain:
    """GCC, under the names that it has for a target."""
    return Toolchain((f"{prefix}gcc",), (f"{prefix}g++",), (f"{prefix}ar",), target)


def zig(target: Target) -> Toolchain:
    """The package ziglang."""
    return Toolchain((*ZIG, "cc"), (*ZIG, "c++"), (*ZIG, "ar"), target)
