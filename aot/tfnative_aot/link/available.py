# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which targets this machine can link for, and which it can run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from tfnative.errors import NotFoundError
from tfnative_aot.link.find_toolchain import find_toolchain, runner_toolchain
from tfnative_aot.machines.emulator import emulator
from tfnative_aot.machines.targets import TARGETS, Target, host_runs


@dataclass(frozen=True)
class AvailableTarget:
    """A target, and what there is for it here.

    Attributes:
        name: As ``compile`` takes it.
        triple: LLVM's name of it.
        cpu_levels: Names of the levels that are made by default.
        makes: What ``compile`` makes: of "shared", "static", "sources".
        compiler: Command of the C compiler; "" if there is none.
        missing: What to do about that; else "".
        runs: How models are run here, to compare them with TensorFlow: "here", the
            program that emulates it, or "" if they cannot be.
    """

    name: str
    triple: str
    cpu_levels: tuple[str, ...]
    makes: tuple[str, ...]
    compiler: str
    missing: str
    runs: str


def available_targets() -> tuple[AvailableTarget, ...]:
    """All targets."""
    return tuple(_available(target) for target in TARGETS)


def _available(target: Target) -> AvailableTarget:
    makes: tuple[str, ...] = ("sources",)
    compiler = missing = ""
    try:
        toolchain = find_toolchain(target)
        compiler = shlex.join(toolchain.cc)
        makes = ("shared", "static", "sources")[0 if toolchain.links else 1 :]
    except NotFoundError as error:
        missing = str(error)
    return AvailableTarget(
        name=target.name,
        triple=target.triple,
        cpu_levels=tuple(level.name for level in target.levels),
        makes=makes,
        compiler=compiler,
        missing=missing,
        runs=_runs(target, bool(compiler)),
    )


def _runs(target: Target, has_compiler: bool) -> str:
    if host_runs(target, target.levels[0]):
        return "here"
    prefix = emulator(target)
    if prefix is None or not has_compiler or runner_toolchain(target) is None:
        return ""
    return prefix[0] if prefix else "here"
