# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Object files of all formats, made by a real compiler."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tfnative.errors import InternalError
from tfnative_aot.link.find_toolchain import find_toolchain, toolchains
from tfnative_aot.machines.object_file import (
    hide_symbols,
    parse,
    read_symbol,
    section_range,
    undefined_symbols,
)
from tfnative_aot.machines.targets import TARGETS, Target, host_target

needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None,
    reason='needs the compiler of "tfnative[cross]"',
)
SOURCE = """\
extern int elsewhere(int);
const char content[5] = "abcd";
int here(int x) { return elsewhere(x) + content[0]; }
"""


def compile_for(target: Target, folder: Path) -> Path:
    source = folder / "source.c"
    source.write_text(SOURCE)
    zig = next(each for each in toolchains(target) if each.is_zig)
    flags = ["-fvisibility=default"]
    return zig.compile_c(source, folder / "object.o", flags=flags)


@needs_zig
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_symbols_are_read(target: Target, tmp_path: Path) -> None:
    made = compile_for(target, tmp_path)
    needed = undefined_symbols(made) - {"__aeabi_unwind_cpp_pr0"}
    assert needed == {"elsewhere"}
    assert read_symbol(made, "content")[:5] == b"abcd\0"
    assert {"here", "content"} <= {s.name for s in parse(made).symbols if s.is_global}


@needs_zig
@pytest.mark.parametrize("name", ["linux-x86_64", "linux-armv7", "macos-arm64"])
def test_hidden_symbols_do_not_leave_a_library(name: str, tmp_path: Path) -> None:
    target = next(target for target in TARGETS if target.name == name)
    made = compile_for(target, tmp_path)
    hidden = tmp_path / "hidden.o"
    hide_symbols(made, hidden)
    assert hidden.stat().st_size == made.stat().st_size
    assert hidden.read_bytes() != made.read_bytes()
    library = tmp_path / target.shared_library("m")
    zig = next(each for each in toolchains(target) if each.is_zig)
    elsewhere = tmp_path / "elsewhere.c"
    elsewhere.write_text(
        "int here(int);\nint elsewhere(int x) { return x; }\n"
        '__attribute__((visibility("default"))) int entry(int x) { return here(x); }\n'
    )
    from tfnative_aot.link.linking import link_shared

    link_shared(
        zig,
        [hidden, zig.compile_c(elsewhere, tmp_path / "elsewhere.o")],
        library,
        exports=["entry"],
    )
    shown = {s.name for s in parse(library).symbols if s.is_global and s.section}
    assert not shown & {"here", "content", "elsewhere"}


def test_what_is_no_object_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.o"
    for content in (b"", b"text", b"\x7fELF", b"\x7fELF\x02\x01" + b"\xff" * 80):
        path.write_bytes(content)
        with pytest.raises(InternalError, match=r"x\.o"):
            parse(path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    source = tmp_path / "source.c"
    source.write_text("int here;")
    made = find_toolchain(host_target()).compile_c(source, tmp_path / "object.o")
    with pytest.raises(InternalError, match="no symbol that ends in gone"):
        read_symbol(made, "gone")
    with pytest.raises(InternalError, match="no section gone"):
        section_range(made, "gone")
