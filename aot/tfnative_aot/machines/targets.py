# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What machines code is made for."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass

from tfnative.errors import InvalidArgumentError, UnimplementedError
from tfnative_aot.machines.cpu_levels import (
    AARCH64_LEVELS,
    AMX_INT8,
    ARMV7_LEVELS,
    INT8_LEVELS,
    X86_LEVELS,
    CpuLevel,
    host_has,
    host_x86_level,
    named_cpu,
)

_LEVELS = {"x86_64": X86_LEVELS, "aarch64": AARCH64_LEVELS, "armv7": ARMV7_LEVELS}


@dataclass(frozen=True)
class Target:
    """A kind of machine: its processor, its system, and its C library.

    Attributes:
        name: As the user writes it: "linux-aarch64".
        triple: LLVM's name of it.
        arch: "x86_64", "aarch64" or "armv7".
        system: "linux", "android", "macos", "ios" or "windows".
        libc: "gnu", "musl", "bionic", "darwin" or "mingw".
        zig: What ``zig cc -target`` calls it.
        gcc: What GNU's cross compilers for it begin with, as "aarch64-linux-gnu-"; ""
            if there are none.
        aliases: Other names of it.
    """

    name: str
    triple: str
    arch: str
    system: str
    libc: str
    zig: str
    gcc: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[CpuLevel, ...]:
        """CPU levels that are made if none is chosen, ascending."""
        return _LEVELS[self.arch]

    @property
    def named_levels(self) -> tuple[CpuLevel, ...]:
        """CPU levels that have a name, ascending: those for 8 bits, too."""
        levels = (*self.levels, *INT8_LEVELS.get(self.arch, ()))
        if self.system != "linux":  # No other lets programs use it as Linux does.
            levels = tuple(v for v in levels if not v.features & AMX_INT8)
        return tuple(sorted(levels, key=lambda v: (v.x86_level, v.features)))

    @property
    def pointer_bytes(self) -> int:
        """Bytes of an address."""
        return 4 if self.arch == "armv7" else 8

    @property
    def object_format(self) -> str:
        """Of its object files: "elf", "macho" or "coff"."""
        formats = {"macos": "macho", "ios": "macho", "windows": "coff"}
        return formats.get(self.system, "elf")

    @property
    def zig_has_libc(self) -> bool:
        """Whether zig brings the headers and libraries of its C library."""
        return self.system not in ("android", "ios")

    def shared_library(self, name: str) -> str:
        """File name of a shared library."""
        if self.system == "windows":
            return f"{name}.dll"
        return f"lib{name}.{'dylib' if self.object_format == 'macho' else 'so'}"


TARGETS = (
    Target(
        *("linux-x86_64", "x86_64-pc-linux-gnu", "x86_64", "linux", "gnu"),
        zig="x86_64-linux-gnu.2.17",
        gcc="x86_64-linux-gnu-",
    ),
    Target(
        *("linux-x86_64-musl", "x86_64-unknown-linux-musl", "x86_64", "linux", "musl"),
        zig="x86_64-linux-musl",
    ),
    Target(
        *("linux-aarch64", "aarch64-unknown-linux-gnu", "aarch64", "linux", "gnu"),
        zig="aarch64-linux-gnu.2.17",
        gcc="aarch64-linux-gnu-",
        aliases=("linux-arm64",),
    ),
    Target(
        *("linux-aarch64-musl", "aarch64-unknown-linux-musl"),
        *("aarch64", "linux", "musl"),
        zig="aarch64-linux-musl",
        aliases=("linux-arm64-musl",),
    ),
    Target(
        *("linux-armv7", "armv7-unknown-linux-gnueabihf", "armv7", "linux", "gnu"),
        zig="arm-linux-gnueabihf.2.17",
        gcc="arm-linux-gnueabihf-",
        aliases=("linux-armhf", "arm-linux-gnueabihf"),
    ),
    Target(
        *("linux-armv7-musl", "armv7-unknown-linux-musleabihf"),
        *("armv7", "linux", "musl"),
        zig="arm-linux-musleabihf",
        aliases=("linux-armhf-musl", "arm-linux-musleabihf"),
    ),
    Target(
        *("android-arm64", "aarch64-linux-android21", "aarch64", "android", "bionic"),
        zig="aarch64-linux-android",
        aliases=("android-aarch64", "aarch64-linux-android"),
    ),
    Target(
        *("ios-arm64", "arm64-apple-ios13.0", "aarch64", "ios", "darwin"),
        zig="aarch64-ios.13.0",
        aliases=("ios-aarch64", "arm64-apple-ios"),
    ),
    Target(
        *("macos-arm64", "arm64-apple-macosx11.0", "aarch64", "macos", "darwin"),
        zig="aarch64-macos.11.0",
        aliases=("macos-aarch64", "arm64-apple-darwin", "aarch64-apple-darwin"),
    ),
    Target(
        *("macos-x86_64", "x86_64-apple-macosx10.13", "x86_64", "macos", "darwin"),
        zig="x86_64-macos.10.13",
        aliases=("x86_64-apple-darwin",),
    ),
    Target(
        *("windows-x86_64", "x86_64-pc-windows-gnu", "x86_64", "windows", "mingw"),
        zig="x86_64-windows-gnu",
        gcc="x86_64-w64-mingw32-",
        aliases=("x86_64-w64-mingw32", "x86_64-pc-windows-msvc"),
    ),
)


def find_target(name: str | None) -> Target:
    """A target by its name or by its triple; None: this machine.

    Raises:
        InvalidArgumentError: There is no such target; the message lists all.
        UnimplementedError: This machine is none of them.
    """
    if name is None:
        return host_target()
    wanted = _normal(name)
    for target in TARGETS:
        zig = target.zig.partition(".")[0]  # Without the least version.
        if wanted in map(_normal, (target.name, target.triple, zig, *target.aliases)):
            return target
    names = ", ".join(target.name for target in TARGETS)
    raise InvalidArgumentError(f"there is no target {name!r}; there are {names}")


def _normal(name: str) -> str:
    """A triple without the vendor, who does not matter."""
    return "-".join(
        part for part in name.lower().split("-") if part not in ("unknown", "pc")
    )


def host_target() -> Target:
    """This machine.

    Raises:
        UnimplementedError: There is no code for it.
    """
    machine = platform.machine().lower()
    arch = {"amd64": "x86_64", "arm64": "aarch64", "armv7l": "armv7"}.get(
        machine, machine
    )
    system = {"linux": "linux", "darwin": "macos"}.get(platform.system().lower())
    libc = "darwin" if system == "macos" else platform.libc_ver()[0]
    for target in TARGETS:
        same_libc = target.libc != "musl" if libc else target.libc == "musl"
        if (target.arch, target.system) == (arch, system) and same_libc:
            return target
    raise UnimplementedError(
        f"cannot compile for {machine}: name a target; `tfnative targets` lists them"
    )


def chosen_levels(
    target: Target, names: Sequence[str] | None, *, int8: bool = False
) -> tuple[CpuLevel, ...]:
    """The CPU levels to compile for, ascending.

    Args:
        target: What they are levels of.
        names: Names of levels; "native" is the best one that this machine has; or of
            CPUs, as ``named_cpu`` takes them. None: every level of the target.
        int8: Whether the model multiplies in 8 bits: without names, or for "native",
            the levels for that are among those to choose from.

    Raises:
        InvalidArgumentError: One is none, or no target's; the message says which.
    """
    usual = target.named_levels if int8 else target.levels
    if names is None:
        return usual
    if not names:
        raise InvalidArgumentError("no CPU levels were given")
    by_name = {level.name: level for level in target.named_levels}
    chosen = []
    for name in names:
        if name == "native":
            chosen.append(_native_level(target, usual))
        elif name in by_name:
            chosen.append(by_name[name])
        else:
            _refuse_levels_of_others(target, name)
            chosen.append(named_cpu(name, target.arch))
    named = [level for level in target.named_levels if level in chosen]
    return (*named, *dict.fromkeys(c for c in chosen if c not in named))


def _native_level(target: Target, levels: Sequence[CpuLevel]) -> CpuLevel:
    if target != host_target():
        raise InvalidArgumentError(
            f"native is this machine's CPU level, and the target is {target.name}"
        )
    running = [level for level in levels if host_runs(target, level)]
    return running[-1] if running else levels[0]


def _refuse_levels_of_others(target: Target, name: str) -> None:
    known = ", ".join([*(level.name for level in target.named_levels), "native"])
    others = {level.name for each in TARGETS for level in each.named_levels}
    if name in others or name.startswith("x86-64-v"):
        raise InvalidArgumentError(
            f"unknown CPU level {name} for {target.name}: expected {known}, or the "
            "name of a CPU"
        )


def host_runs(target: Target, level: CpuLevel) -> bool:
    """Whether this machine loads such a library, and has that level."""
    try:
        is_host = target == host_target()
    except UnimplementedError:
        return False
    most = host_x86_level() if target.arch == "x86_64" else 0
    return is_host and level.x86_level <= most and host_has(level.features)
