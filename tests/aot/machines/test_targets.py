# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Targets by name and by triple, and CPU levels of them."""

from __future__ import annotations

import platform

import pytest

from tfnative.errors import InvalidArgumentError
from tfnative_aot.machines import cpu_levels, targets
from tfnative_aot.machines.cpu_levels import (
    AMX_INT8,
    AVX512_VNNI,
    DOTPROD,
    I8MM,
    X86_LEVELS,
    named_cpu,
)
from tfnative_aot.machines.emulator import runs_level
from tfnative_aot.machines.targets import (
    TARGETS,
    chosen_levels,
    find_target,
    host_runs,
    host_target,
)

LINUX = find_target("linux-x86_64")
on_x86 = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the levels tested are those of x86-64"
)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_targets_are_found_by_name_and_triple(target) -> None:
    for name in (target.name, target.triple, target.name.upper(), *target.aliases):
        assert find_target(name) == target


@pytest.mark.parametrize(
    ("triple", "name"),
    [
        ("aarch64-linux-gnu", "linux-aarch64"),
        ("x86_64-unknown-linux-gnu", "linux-x86_64"),
        ("arm-linux-gnueabihf", "linux-armv7"),
        ("x86_64-linux-musl", "linux-x86_64-musl"),
        ("aarch64-linux-android", "android-arm64"),
        ("aarch64-apple-darwin", "macos-arm64"),
        ("x86_64-w64-mingw32", "windows-x86_64"),
    ],
)
def test_triples_have_many_spellings(triple: str, name: str) -> None:
    assert find_target(triple).name == name


def test_unknown_targets_are_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidArgumentError, match=r"'riscv'.*linux-aarch64.*windows"):
        find_target("riscv")


def test_libraries_are_named_as_their_systems_do() -> None:
    names = {target.name: target.shared_library("m") for target in TARGETS}
    assert names["linux-armv7"] == "libm.so"
    assert names["macos-arm64"] == "libm.dylib"
    assert names["windows-x86_64"] == "m.dll"


def test_all_levels_are_the_default() -> None:
    assert chosen_levels(LINUX, None) == X86_LEVELS


def test_levels_are_ascending_and_unique() -> None:
    names = ["x86-64-v3", "x86-64-v2", "x86-64-v3"]
    found = [level.name for level in chosen_levels(LINUX, names)]
    assert found == ["x86-64-v2", "x86-64-v3"]


def test_levels_for_8_bits_are_made_where_they_are_asked_for() -> None:
    names = [level.name for level in chosen_levels(LINUX, None, int8=True)]
    assert names == [
        *("x86-64-v2", "x86-64-v3", "x86-64-v3-vnni", "x86-64-v4", "x86-64-v4-vnni"),
        "x86-64-v4-amx",
    ]
    (level,) = chosen_levels(LINUX, ["x86-64-v4-vnni"])
    assert level.compiler_flags[-1] == "-mavx512vnni"
    assert (level.tag, level.needs) == ("v4_vnni", 4 | AVX512_VNNI)
    (amx,) = chosen_levels(LINUX, ["x86-64-v4-amx"])
    assert (amx.tag, amx.needs) == ("v4_amx", 4 | AVX512_VNNI | AMX_INT8)
    assert amx.compiler_flags[-2:] == ("-mamx-tile", "-mamx-int8")
    assert amx.zig_cpu == "x86_64_v4+avx512vnni+amx_tile+amx_int8"
    (pi,) = chosen_levels(find_target("linux-aarch64"), ["armv8.2-dotprod"])
    assert (pi.tag, pi.needs) == ("dotprod", DOTPROD)
    arm = chosen_levels(find_target("linux-aarch64"), None, int8=True)
    assert [level.name for level in arm] == [
        *("generic", "armv8.2-dotprod", "armv8.6-i8mm")
    ]
    assert arm[-1].needs == DOTPROD | I8MM
    with pytest.raises(InvalidArgumentError, match="unknown CPU level armv8"):
        chosen_levels(LINUX, ["armv8.2-dotprod"])


@on_x86
def test_native_does_without_a_matrix_unit_that_the_system_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everything = AVX512_VNNI | AMX_INT8
    monkeypatch.setattr(cpu_levels, "host_features", lambda: everything)
    monkeypatch.setattr(targets, "host_x86_level", lambda: 4)
    for permitted, best in ((True, "x86-64-v4-amx"), (False, "x86-64-v4-vnni")):
        monkeypatch.setattr(cpu_levels, "_may_use_amx", lambda answer=permitted: answer)
        (native,) = chosen_levels(LINUX, ["native"], int8=True)
        assert native.name == best


@pytest.mark.parametrize("name", ["macos-x86_64", "windows-x86_64"])
def test_the_matrix_unit_has_a_level_on_linux_alone(name: str) -> None:
    names = [level.name for level in chosen_levels(find_target(name), None, int8=True)]
    assert names[-1] == "x86-64-v4-vnni"
    with pytest.raises(InvalidArgumentError, match="unknown CPU level x86-64-v4-amx"):
        chosen_levels(find_target(name), ["x86-64-v4-amx"])


@on_x86
def test_native_has_what_multiplies_in_8_bits_where_it_is_asked_for() -> None:
    host = host_target()
    (native,) = chosen_levels(host, ["native"], int8=True)
    assert host_runs(host, native)
    better = [v for v in host.named_levels if v.needs > native.needs]
    assert native.features or not any(host_runs(host, level) for level in better)


@pytest.mark.parametrize(
    ("name", "here"),
    [("x86-64-v3", True), ("x86-64-v3-vnni", False), ("x86-64-v4", False)],
)
def test_an_emulator_has_levels_of_its_own(name: str, here: bool) -> None:
    (level,) = chosen_levels(LINUX, [name])
    assert runs_level(("qemu-x86_64",), level) == here
    for level in chosen_levels(find_target("linux-aarch64"), None, int8=True):
        assert runs_level(("qemu-aarch64",), level)


@on_x86
def test_native_is_the_best_level_that_this_machine_runs() -> None:
    host = host_target()
    (native,) = chosen_levels(host, ["native"])
    assert host_runs(host, native)
    better = [v for v in X86_LEVELS if v.x86_level > native.x86_level]
    assert not any(host_runs(host, level) for level in better)


@on_x86
def test_native_is_no_level_of_another_machine() -> None:
    with pytest.raises(InvalidArgumentError, match="linux-armv7"):
        chosen_levels(find_target("linux-armv7"), ["native"])


@pytest.mark.parametrize("names", [["x86-64-v5"], ["neon"]])
def test_levels_of_others_are_refused_with_the_known_ones(names: list[str]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"x86-64-v2.*native"):
        chosen_levels(LINUX, names)
    with pytest.raises(InvalidArgumentError, match="no CPU levels"):
        chosen_levels(LINUX, [])


def test_cpus_have_the_compilers_names() -> None:
    (level,) = chosen_levels(find_target("linux-aarch64"), ["cortex-a76+dotprod"])
    assert level.name == "cortex-a76+dotprod"
    assert level.tag == "cortex_a76_dotprod"
    assert (level.llvm_cpu, level.llvm_features) == ("cortex-a76", "+dotprod")
    assert level.compiler_flags == ("-mcpu=cortex-a76+dotprod",)
    assert level.zig_cpu == "cortex_a76+dotprod"
    assert named_cpu("skylake+avx512f", "x86_64").compiler_flags == (
        "-march=skylake",
        "-mavx512f",
    )


@pytest.mark.parametrize("name", ["", "+neon", "a b", "x;y", "cortex-a76+"])
def test_what_is_no_name_of_a_cpu_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is no CPU"):
        named_cpu(name, "aarch64")
