# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the compilers for a target that this machine has."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tfnative.errors import NotFoundError, UnimplementedError
from tfnative_aot.link.toolchain import Toolchain
from tfnative_aot.machines.targets import Target, host_target

_NDK_VARIABLES = ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK")
_NDK_API = 21


def find_toolchain(target: Target | None = None) -> Toolchain:
    """The first of ``toolchains``.

    Args:
        target: Default: this machine.

    Raises:
        NotFoundError: There is none; the message says how to get one.
    """
    target = target or host_target()
    for toolchain in toolchains(target):
        return toolchain
    raise NotFoundError(
        f"no C compiler for {target.name} was found: {_advice(target)}"
        '`pip install "tfnative[cross]"`, which brings one'
    )


def _advice(target: Target) -> str:
    if _is_host(target):
        return "install GCC or Clang (Debian: apt install g++), or "
    if target.system == "android":
        return "name an Android NDK's folder in ANDROID_NDK_HOME, or "
    if target.gcc:
        return f"install g++-{target.gcc.rstrip('-').replace('_', '-')}, or "
    return ""


def toolchains(target: Target) -> Iterator[Toolchain]:
    """All that are found, in the order in which they are taken.

    For this machine: the compilers that CC and CXX name, the system's, ziglang's. For
    Android: those of the NDK that ANDROID_NDK_HOME names, ziglang's. For others: GNU's
    cross compilers, ziglang's.
    """
    if _is_host(target):
        yield from _of_this_machine(target)
    elif target.system == "android":
        yield from _of_ndk(target)
    elif target.gcc and shutil.which(f"{target.gcc}g++"):
        gcc = target.gcc
        yield Toolchain((f"{gcc}gcc",), (f"{gcc}g++",), (f"{gcc}ar",), target)
    if importlib.util.find_spec("ziglang"):
        zig = (sys.executable, "-m", "ziglang")
        yield Toolchain(
            (*zig, "cc"),
            (*zig, "c++"),
            (*zig, "ar"),
            target,
            links=target.system != "ios",
        )


def _of_this_machine(target: Target) -> Iterator[Toolchain]:
    cc, cxx = os.environ.get("CC"), os.environ.get("CXX")
    if cc and cxx:
        words = tuple(shlex.split(cc)), tuple(shlex.split(cxx))
        yield Toolchain(*words, ("ar",), target)
    for pair in (("cc", "c++"), ("gcc", "g++"), ("clang", "clang++")):
        if all(shutil.which(command) for command in pair):
            yield Toolchain((pair[0],), (pair[1],), ("ar",), target)


def _of_ndk(target: Target) -> Iterator[Toolchain]:
    for variable in _NDK_VARIABLES:
        folder = os.environ.get(variable)
        if not folder:
            continue
        for tools in sorted(Path(folder).glob("toolchains/llvm/prebuilt/*/bin")):
            clang = tools / f"aarch64-linux-android{_NDK_API}-clang"
            cxx = clang.with_name(f"{clang.name}++")
            if cxx.exists():
                yield Toolchain(
                    (str(clang),), (str(cxx),), (str(tools / "llvm-ar"),), target
                )


def runner_toolchain(target: Target) -> Toolchain | None:
    """What links programs that run without the target's libraries, as under QEMU.

    Compilers that bring the C library that models meet on the target; else zig, which
    links musl, after it has compiled that for a minute: code of models is the same.
    """
    if target.system != "linux":
        return None
    found = list(toolchains(target))
    for toolchain in found:
        if not toolchain.is_zig and toolchain.has_static_libc:
            return toolchain
    for toolchain in found:
        if toolchain.is_zig:
            zig = target.zig.partition(".")[0].replace("gnu", "musl")
            return replace(toolchain, target=replace(target, zig=zig))
    return found[0] if found else None


def _is_host(target: Target) -> bool:
    try:
        return target == host_target()
    except UnimplementedError:
        return False
