# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What code is made for: triples, CPU levels, and the variants of a signature."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnative.errors import InvalidArgumentError, UnimplementedError


@dataclass(frozen=True)
class CpuLevel:
    """A set of CPU features that a variant may use.

    Attributes:
        name: As the user writes it and as the manifest has it: "x86-64-v3".
        tag: Short form for C identifiers: "v3".
        x86_level: Number of the x86-64 psABI level, or 0 for any CPU of the triple.
        llvm_triple: Target triple for XLA.
        llvm_cpu: CPU name for XLA.
        llvm_features: Feature list for XLA, as "+sse4.2,-avx512f".
        compiler_flags: The same for GCC and Clang.
    """

    name: str
    tag: str
    x86_level: int
    llvm_triple: str
    llvm_cpu: str
    llvm_features: str
    compiler_flags: tuple[str, ...]


@dataclass(frozen=True)
class VariantKey:
    """Which program of an artifact: a signature at a batch size and a CPU level.

    Attributes:
        signature: Position of the signature in the artifact.
        batch_size: Rows, or 0 for a signature without a batch dimension.
        level: CPU level that the code is made for.
    """

    signature: int
    batch_size: int
    level: CpuLevel

    @property
    def symbol(self) -> str:
        """A C identifier that is unique in the artifact."""
        return f"s{self.signature}_b{self.batch_size}_{self.level.tag}"


def _x86(level: int, *flags: str) -> CpuLevel:
    return CpuLevel(
        name=f"x86-64-v{level}",
        tag=f"v{level}",
        x86_level=level,
        llvm_triple="x86_64-pc-linux-gnu",
        llvm_cpu=f"x86-64-v{level}",
        llvm_features="",
        compiler_flags=(f"-march=x86-64-v{level}", *flags),
    )


X86_LEVELS = (_x86(2), _x86(3), _x86(4, "-mprefer-vector-width=512"))
AARCH64 = CpuLevel(
    name="generic",
    tag="generic",
    x86_level=0,
    llvm_triple="aarch64-unknown-linux-gnu",
    llvm_cpu="generic",
    llvm_features="",
    compiler_flags=(),
)


def cpu_levels(names: Sequence[str] | None) -> tuple[CpuLevel, ...]:
    """The CPU levels to compile for on this machine, ascending.

    Args:
        names: Names of levels; "native" is the best one that this machine has.
            None: every level of this machine's architecture.

    Raises:
        InvalidArgumentError: An unknown level; the message lists the known ones.
        UnimplementedError: This machine's architecture is not supported.
    """
    machine = platform.machine().lower()
    if machine in ("aarch64", "arm64"):
        known: tuple[CpuLevel, ...] = (AARCH64,)
        native = AARCH64
    elif machine in ("x86_64", "amd64"):
        known = X86_LEVELS
        native = X86_LEVELS[max(_host_x86_level() - 2, 0)]
    else:
        raise UnimplementedError(
            f"cannot compile for {machine}: x86_64 and aarch64 are supported"
        )
    if names is None:
        return known
    by_name = {level.name: level for level in known} | {"native": native}
    unknown = [name for name in names if name not in by_name]
    if unknown or not names:
        raise InvalidArgumentError(
            f"unknown CPU level {', '.join(unknown) or '(none given)'}: expected "
            f"{', '.join(by_name)}"
        )
    chosen = {by_name[name] for name in names}
    return tuple(level for level in known if level in chosen)


_V3_FLAGS = frozenset("avx avx2 bmi1 bmi2 f16c fma abm movbe".split())
_V4_FLAGS = frozenset("avx512f avx512bw avx512cd avx512dq avx512vl".split())


def host_runs(level: CpuLevel) -> bool:
    """Whether this machine can run code for a level."""
    if level in X86_LEVELS:
        return level.x86_level <= _host_x86_level()
    return platform.machine().lower() in ("aarch64", "arm64")


def _host_x86_level() -> int:
    """The psABI level of this machine, from what the kernel says of it."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return 2
    line = next((ln for ln in text.splitlines() if ln.startswith("flags")), "")
    flags = set(line.partition(":")[2].split())
    if not flags >= _V3_FLAGS:
        return 2
    return 4 if flags >= _V4_FLAGS else 3
