# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which compiler is found, what it is told, and what is kept of its work."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tfnative.errors import CompileError, NotFoundError
from tfnative_aot import toolchain
from tfnative_aot.targets import AARCH64, X86_LEVELS, cpu_levels
from tfnative_aot.toolchain import Toolchain, find_toolchain, sources_dir

ZIG = (sys.executable, "-m", "ziglang")
KERNEL = """\
#include "kernels.h"
void TFN_KERNEL(topk_f32)(int64_t, int64_t, int64_t, const float*, float*, int32_t*,
                          void*) {}
"""


@pytest.fixture
def no_compilers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Kernels that compile at once."""
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "kernels.h").write_text((sources_dir()[0] / "kernels.h").read_text())
    (folder / "topk.cc").write_text(KERNEL)
    return folder


def test_the_environment_chooses_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "clang -m64")
    monkeypatch.setenv("CXX", "clang++ -m64")
    assert find_toolchain() == Toolchain(("clang", "-m64"), ("clang++", "-m64"))


@pytest.mark.usefixtures("no_compilers")
def test_without_a_compiler_zig_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "ziglang")
    assert find_toolchain() == Toolchain((*ZIG, "cc"), (*ZIG, "c++"))


@pytest.mark.usefixtures("no_compilers")
def test_without_any_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotFoundError, match=r"apt install g\+\+.*tfnative\[cross\]"):
        find_toolchain()


def test_zig_has_its_own_names_for_cpu_levels() -> None:
    gcc, zig = Toolchain(("gcc",), ("g++",)), Toolchain(ZIG, (*ZIG, "c++"))
    assert gcc.level_flags(X86_LEVELS[1]) == ("-march=x86-64-v3",)
    assert zig.level_flags(X86_LEVELS[1]) == ("-march=x86_64_v3",)
    assert zig.level_flags(AARCH64) == ()


def test_kernels_are_compiled_once(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    (level,) = cpu_levels(["native"])
    compiler = find_toolchain()
    first = compiler.compile_kernels(sources, level)
    times = [path.stat().st_mtime_ns for path in first]
    assert compiler.compile_kernels(sources, level) == first
    assert [path.stat().st_mtime_ns for path in first] == times
    (sources / "topk.cc").write_text(KERNEL + "// changed\n")
    assert compiler.compile_kernels(sources, level) != first


def test_what_the_compiler_says_is_in_the_error(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    (sources / "topk.cc").write_text("int nonsense() { return missing; }")
    with pytest.raises(CompileError, match="missing"):
        find_toolchain().compile_kernels(sources, cpu_levels(["native"])[0])


@pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None,
    reason='needs the compiler of "tfnative[cross]"',
)
def test_zig_compiles_the_kernels(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    zig = toolchain.Toolchain((*ZIG, "cc"), (*ZIG, "c++"))
    (made,) = zig.compile_kernels(sources, X86_LEVELS[1])
    assert made.is_file()
