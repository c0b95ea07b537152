# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The platform tags of wheels say where their code runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import tfnative
from tests.python.wheel.wheel_files import copy_artifact, elf_file
from tfnative._wheel.elf import glibc_version
from tfnative._wheel.library import ABI_VERSION
from tfnative._wheel.platform_tags import platform_tag

ABI = Path(__file__).resolve().parents[3] / "cpp" / "include" / "tfnative" / "abi.h"


def no_glibc() -> None:
    raise AssertionError("it needs no glibc")


@pytest.mark.parametrize(
    ("triple", "tag"),
    [
        ("x86_64-unknown-linux-musl", "musllinux_1_2_x86_64"),
        ("aarch64-unknown-linux-musl", "musllinux_1_2_aarch64"),
        ("armv7-unknown-linux-musleabihf", "musllinux_1_2_armv7l"),
        ("arm64-apple-macosx", "macosx_11_0_arm64"),
        ("arm64-apple-macosx11.0", "macosx_11_0_arm64"),
        ("arm64-apple-macosx10.13", "macosx_11_0_arm64"),
        ("arm64-apple-macosx12.3.1", "macosx_13_0_arm64"),
        ("aarch64-apple-darwin", "macosx_11_0_arm64"),
        ("x86_64-apple-macosx10.13", "macosx_10_13_x86_64"),
        ("x86_64-apple-macosx10.15", "macosx_10_15_x86_64"),
        ("x86_64-apple-darwin20.1", "macosx_10_13_x86_64"),
        ("x86_64-pc-windows-msvc", "win_amd64"),
        ("x86_64-pc-windows-gnu", "win_amd64"),
        ("aarch64-pc-windows-msvc", "win_arm64"),
        ("i686-pc-windows-msvc", "win32"),
        ("aarch64-linux-android21", "android_21_arm64_v8a"),
        ("aarch64-linux-android", "android_21_arm64_v8a"),
        ("aarch64-unknown-linux-android24", "android_24_arm64_v8a"),
        ("armv7a-linux-androideabi21", "android_21_armeabi_v7a"),
        ("x86_64-linux-android30", "android_30_x86_64"),
        ("arm64-apple-ios13.0", "ios_13_0_arm64_iphoneos"),
        ("arm64-apple-ios", "ios_13_0_arm64_iphoneos"),
        ("arm64-apple-ios15.4-simulator", "ios_15_4_arm64_iphonesimulator"),
        ("x86_64-apple-ios13.0-simulator", "ios_13_0_x86_64_iphonesimulator"),
    ],
)
def test_tags_of_triples(triple, tag):
    assert platform_tag(triple, no_glibc) == tag


@pytest.mark.parametrize(
    ("triple", "needed", "tag"),
    [
        ("x86_64-pc-linux-gnu", None, "manylinux_2_17_x86_64"),
        ("x86_64-pc-linux-gnu", (2, 14), "manylinux_2_17_x86_64"),
        ("x86_64-linux-gnu", (2, 34), "manylinux_2_34_x86_64"),
        ("aarch64-unknown-linux-gnu", (2, 17), "manylinux_2_17_aarch64"),
        ("armv7-unknown-linux-gnueabihf", (2, 4), "manylinux_2_17_armv7l"),
        ("i686-pc-linux-gnu", (2, 28), "manylinux_2_28_i686"),
    ],
)
def test_tags_of_linux_say_which_glibc_the_code_needs(triple, needed, tag):
    assert platform_tag(triple, lambda: needed) == tag


@pytest.mark.parametrize(
    "triple",
    [
        "",
        "any-machine",
        "x86_64",
        "riscv64-unknown-linux-gnu",
        "armv7-unknown-linux-gnueabi",
        "wasm32-unknown-unknown",
        "arm64-apple-macosx1..2",
        "armv7-apple-ios9.0",
    ],
)
def test_triples_without_a_tag_are_refused(triple, fake, tmp_path):
    with pytest.raises(tfnative.UnimplementedError, match="no platform tag"):
        platform_tag(triple, no_glibc)
    artifact = copy_artifact(fake, tmp_path / "artifact", triple=triple)
    with pytest.raises(tfnative.UnimplementedError, match="cannot make a wheel of"):
        tfnative.make_wheel(artifact, tmp_path)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize(
    ("versions", "needed"),
    [
        ([], None),
        (["LIBFOO_9.9"], None),
        (["GLIBC_PRIVATE"], None),
        (["GLIBC_2.2.5"], (2, 2)),
        (["GLIBC_2.9", "GLIBC_2.14", "GLIBC_2.4"], (2, 14)),
        (["GLIBC_2.17", "GLIBC_ABI_DT_RELR"], (2, 36)),
    ],
)
def test_glibc_versions_are_read_from_libraries(bits, versions, needed):
    assert glibc_version(elf_file(versions, bits)) == needed


def test_damaged_libraries_are_a_load_error():
    good = elf_file(["GLIBC_2.14"])
    for bad in (b"", b"\x7fELF", good[:50], good[:-40], b"MZ" + good):
        with pytest.raises(tfnative.LoadError):
            glibc_version(bad)


def test_glibc_versions_are_those_that_readelf_shows(tmp_path):
    compiler, readelf = shutil.which("cc"), shutil.which("readelf")
    if compiler is None or readelf is None:
        pytest.skip("needs a C compiler and readelf")
    source = tmp_path / "f.c"
    source.write_text("#include <math.h>\ndouble f(double x) { return exp(x); }\n")
    library = tmp_path / "libf.so"
    command = [compiler, "-shared", "-fPIC", source, "-o", library, "-lm"]
    subprocess.run(command, check=True)
    shown = subprocess.run(
        [readelf, "-V", library], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r"Name: GLIBC_(\d+)\.(\d+)", shown)
    expected = max(tuple(map(int, version)) for version in found)
    assert glibc_version(library.read_bytes()) == expected


def test_the_tag_of_an_artifact_for_another_machine(fake, tmp_path):
    triple = "aarch64-unknown-linux-musl"
    artifact = copy_artifact(fake, tmp_path / "artifact", triple=triple)
    wheel = tfnative.make_wheel(artifact, tmp_path)
    assert wheel.tag == "py3-none-musllinux_1_2_aarch64"
    assert wheel.path.name == "fake-1.0.0-py3-none-musllinux_1_2_aarch64.whl"


def test_tags_are_those_that_installers_look_for():
    tags = pytest.importorskip("packaging.tags", reason="needs packaging")
    for arch in ("arm64", "x86_64"):
        known = set(tags.mac_platforms((15, 0), arch))
        assert platform_tag(f"{arch}-apple-macosx", no_glibc) in known
        assert platform_tag(f"{arch}-apple-macosx12.3", no_glibc) in known


def test_the_abi_version_is_that_of_the_header():
    if not ABI.exists():
        pytest.skip("needs the sources")
    (version,) = re.findall(r"#define TFN_ABI_VERSION (\d+)u", ABI.read_text())
    assert int(version) == ABI_VERSION
