# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which compiler is found, what it is told, and what is kept of its work."""

from __future__ import annotations

import importlib.util
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.aot.link.toolchains import gnu, zig
from tfnative.errors import CompileError, NotFoundError
from tfnative_aot.link.find_toolchain import find_toolchain, runner_toolchain
from tfnative_aot.link.kernels import KernelBuild, Kernels
from tfnative_aot.link.toolchain import Toolchain, run, sources_dir
from tfnative_aot.machines.cpu_levels import (
    AARCH64_LEVELS,
    ARMV7_LEVELS,
    X86_LEVELS,
    CpuLevel,
)
from tfnative_aot.machines.object_file import parse
from tfnative_aot.machines.targets import (
    chosen_levels,
    find_target,
    host_target,
)

HOST = host_target()


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
    for header in ("kernels.h", "quantized.h"):
        (folder / header).write_text((sources_dir()[0] / header).read_text())
    (folder / "topk.cc").write_text(KERNEL)
    return folder


def test_the_environment_chooses_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "clang -m64")
    monkeypatch.setenv("CXX", "clang++ -m64")
    expected = Toolchain(("clang", "-m64"), ("clang++", "-m64"), ("ar",), HOST)
    assert find_toolchain() == expected


@pytest.mark.usefixtures("no_compilers")
def test_without_a_compiler_zig_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "ziglang")
    assert find_toolchain() == zig(HOST)


@pytest.mark.usefixtures("no_compilers")
def test_without_any_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotFoundError, match=r"apt install g\+\+.*tfnative\[cross\]"):
        find_toolchain()


def test_the_error_for_another_machine_names_its_compilers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")
    for target, advice in (
        ("linux-aarch64", r"g\+\+-aarch64-linux-gnu"),
        ("android-arm64", "ANDROID_NDK_HOME"),
        ("macos-arm64", r"tfnative\[cross\]"),
    ):
        with pytest.raises(NotFoundError, match=f"{target}.*{advice}"):
            find_toolchain(find_target(target))


def test_an_ndk_is_found_by_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tools = tmp_path / "toolchains/llvm/prebuilt/linux-x86_64/bin"
    tools.mkdir(parents=True)
    for name in ("clang", "clang++"):
        (tools / f"aarch64-linux-android21-{name}").touch()
    monkeypatch.setenv("ANDROID_NDK_HOME", str(tmp_path))
    android = find_target("android-arm64")
    found = find_toolchain(android)
    assert found.cc == (str(tools / "aarch64-linux-android21-clang"),)
    assert found.ar == (str(tools / "llvm-ar"),)
    assert found.target == android


def test_programs_for_emulators_have_the_c_library_of_the_target() -> None:
    target = find_target("linux-aarch64")
    ours = gnu(target, target.gcc)
    if shutil.which(ours.cc[0]) is None:
        pytest.skip(f"needs {ours.cc[0]}")
    assert ours.has_static_libc
    assert runner_toolchain(target) == ours


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="needs zig")
def test_programs_for_emulators_are_linked_by_zig_where_no_library_is(
    no_compilers: None, tmp_path: Path
) -> None:
    for name in ("gcc", "g++"):  # As one that came without Debian's libc6-dev-cross.
        program = tmp_path / f"aarch64-linux-gnu-{name}"
        program.write_text("#!/bin/sh\necho libc.a\n")
        program.chmod(0o755)
    found = runner_toolchain(find_target("linux-aarch64"))
    assert found is not None
    assert found.is_zig
    assert found.target.zig == "aarch64-linux-musl"
    (tmp_path / "aarch64-linux-gnu-gcc").write_text("#!/bin/sh\nexit 1\n")
    assert runner_toolchain(find_target("linux-aarch64")) == found


def test_compilers_are_told_the_target_in_their_own_words() -> None:
    linux, pi = find_target("linux-x86_64"), find_target("linux-armv7")
    assert gnu(linux).target_flags(X86_LEVELS[1]) == ("-fPIC", "-march=x86-64-v3")
    assert zig(linux).target_flags(X86_LEVELS[1]) == (
        *("-fPIC", "-target", "x86_64-linux-gnu.2.17", "-mcpu=x86_64_v3"),
    )
    assert gnu(find_target("linux-aarch64")).target_flags(AARCH64_LEVELS[0]) == (
        "-fPIC",
    )
    assert "-mfpu=neon-vfpv4" in gnu(pi).target_flags(ARMV7_LEVELS[0])
    assert "-mcpu=generic+v7a+neon+vfp4" in zig(pi).target_flags()
    assert "-fPIC" not in zig(find_target("windows-x86_64")).target_flags()
    assert "-nostdinc++" in zig(find_target("ios-arm64")).target_flags()


def compile_kernels(
    toolchain: Toolchain, sources: Path, level: CpuLevel, *, small: bool = False
) -> Kernels:
    with ThreadPoolExecutor(2) as pool:
        return KernelBuild(toolchain, sources, level, pool, small=small).result()


def test_kernels_are_compiled_once(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    (level,) = chosen_levels(HOST, ["native"])
    compiler = find_toolchain()
    first = compile_kernels(compiler, sources, level)
    times = [path.stat().st_mtime_ns for path in first.objects]
    assert compile_kernels(compiler, sources, level) == first
    assert [path.stat().st_mtime_ns for path in first.objects] == times
    (sources / "topk.cc").write_text(KERNEL + "// changed\n")
    second = compile_kernels(compiler, sources, level)
    assert second.objects != first.objects
    assert second.macro != first.macro, "both may be linked into one program"


def test_what_the_compiler_says_is_in_the_error(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    (sources / "topk.cc").write_text("int nonsense() { return missing; }")
    with pytest.raises(CompileError, match="missing"):
        compile_kernels(find_toolchain(), sources, chosen_levels(HOST, ["native"])[0])
    assert not any((tmp_path / "cache" / "kernels").iterdir()), "nothing is left"


def test_kernels_that_nobody_waits_for_leave_nothing(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    (level,) = chosen_levels(HOST, ["native"])
    with ThreadPoolExecutor(1) as pool:
        build = KernelBuild(find_toolchain(), sources, level, pool)
        build.close()
    assert not any((tmp_path / "cache" / "kernels").iterdir())


def test_two_that_compile_the_same_kernels_share_them(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    (level,) = chosen_levels(HOST, ["native"])
    with ThreadPoolExecutor(2) as pool:
        builds = [KernelBuild(find_toolchain(), sources, level, pool) for _ in "ab"]
        first, second = (build.result() for build in builds)
    assert first == second
    assert all(path.is_file() for path in first.objects)
    assert len(list((tmp_path / "cache" / "kernels").iterdir())) == 1


@pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None,
    reason='needs the compiler of "tfnative[cross]"',
)
def test_zig_compiles_the_kernels(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    made = compile_kernels(zig(find_target("linux-x86_64")), sources, X86_LEVELS[1])
    assert all(path.is_file() for path in made.objects)


def test_all_kernels_of_a_level_can_be_linked_into_one_program(tmp_path: Path) -> None:
    # Those for other machines are, in tests/aot/artifact/test_other_machines.py.
    toolchain = find_toolchain()
    (level,) = chosen_levels(HOST, ["native"])
    both = [
        compile_kernels(toolchain, sources_dir()[0], level, small=small)
        for small in (False, True)
    ]
    assert both[0].macro == both[1].macro
    program = tmp_path / "kernels.so"
    link = [*toolchain.cxx, "-shared", "-fPIC", "-Wl,-z,defs", "-lm", "-o", program]
    run([*link, *both[0].objects, *both[1].objects])
    assert program.is_file()


def test_kernels_of_float32_need_none_of_the_small_ones(tmp_path: Path) -> None:
    toolchain = find_toolchain()
    (level,) = chosen_levels(HOST, ["native"])
    kernels = compile_kernels(toolchain, sources_dir()[0], level)
    symbols = [s for path in kernels.objects for s in parse(path).symbols]
    defined = {s.name for s in symbols if s.section is not None}
    needed = {s.name for s in symbols if s.section is None} - defined
    assert not {name for name in needed if "tfn_" in name}
    names = ("f32", "f16", "bf16", "s8")
    made = [n for n in names if f"tfn_{kernels.macro}_matmul_packed_{n}" in defined]
    assert made == ["f32"]
