# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Links shared libraries and programs, in the words of each system's linker."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tfnative_aot.link.toolchain import Toolchain, run
from tfnative_aot.machines.object_file import parse

_MATH_PREFIXES = ("exp", "log", "pow", "sin", "cos", "tan", "a", "sqrt", "cbrt", "f")
"""How functions of libm begin, of those that compiled code may need."""


def link_shared(
    toolchain: Toolchain,
    objects: Sequence[Path],
    output: Path,
    *,
    exports: Sequence[str],
    strip: bool = True,
) -> None:
    """Links a closed shared library that exports only the given functions.

    Without ``strip`` an ELF library has the names of all that is in it.
    """
    target = toolchain.target
    if target.system == "windows":
        # What is exported says __declspec(dllexport).
        flags = ["-shared", f"-Wl,--out-implib={output.with_suffix('.lib')}", "-Wl,-s"]
        _link(toolchain, flags, objects, output)
    elif target.object_format == "macho":
        flags = ["-dynamiclib", "-Wl,-dead_strip", "-Wl,-S,-x"]
        flags.append(f"-Wl,-install_name,@rpath/{output.name}")
        _link(toolchain, flags, objects, output)
    else:
        _link_elf(toolchain, objects, output, exports, strip)


def _link_elf(
    toolchain: Toolchain,
    objects: Sequence[Path],
    output: Path,
    exports: Sequence[str],
    strip: bool,
) -> None:
    flags = [
        "-shared",
        f"-Wl,-soname,{output.name}",
        "-Wl,-z,defs",
        "-Wl,-z,relro,-z,now,-z,noexecstack",
        "-Wl,--gc-sections",
        "-Wl,--build-id=none",
        "-Wl,--as-needed",
        *(["-Wl,-s"] if strip else []),
    ]
    if not toolchain.is_zig:
        # Nothing runs when the library is opened, which `load` insists on.
        flags.append("-nostartfiles")
    if toolchain.target.system == "android":
        flags.append("-Wl,-z,max-page-size=16384")  # As Android 15 asks for.
    elif not toolchain.is_zig:
        flags.append("-static-libgcc")
    with tempfile.TemporaryDirectory() as temporary:
        script = Path(temporary) / "exports"
        names = " ".join(f"{name};" for name in exports)
        script.write_text(f"{{ global: {names} local: *; }};\n")
        flags.append(f"-Wl,--version-script,{script}")
        if toolchain.is_zig and not toolchain.target.zig_has_libc:
            stubs = _stub_libraries(toolchain, objects, Path(temporary))
            _link(toolchain, ["-nostdlib", *flags], [*objects, *stubs], output)
        else:
            _link(toolchain, flags, [*objects, "-lm"], output)


def _stub_libraries(
    toolchain: Toolchain, objects: Sequence[Path], folder: Path
) -> list[Path]:
    """Libraries that stand for the target's libc and libm, which are not at hand.

    They have what the objects need of them, so that the linker notes whose it is.
    """
    files = [parse(path).symbols for path in objects]
    defined = {s.name for symbols in files for s in symbols if s.section is not None}
    needed = {s.name for symbols in files for s in symbols if s.section is None}
    missing = sorted(needed - defined - {"_GLOBAL_OFFSET_TABLE_"})
    made = []
    for library in ("libc", "libm"):
        of_math = library == "libm"
        source = folder / f"{library}.c"
        source.write_text(
            "\n".join(
                f"void {name}(void) {{}}"
                for name in missing
                if name.startswith(_MATH_PREFIXES) == of_math
            )
        )
        output = folder / f"{library}.so"
        flags = ["-shared", "-nostdlib", "-fno-builtin", f"-Wl,-soname,{library}.so"]
        run([*toolchain.cc, *toolchain.target_flags(), *flags, source, "-o", output])
        made.append(output)
    return made


def link_program(
    toolchain: Toolchain, sources: Sequence[Path | str], output: Path
) -> None:
    """Links a program that needs no libraries where it runs, if the system has such."""
    flags = ["-O1"]
    if toolchain.target.system == "linux":
        flags.append("-static")
    _link(toolchain, flags, [*sources, "-lm"], output)


def _link(
    toolchain: Toolchain,
    flags: Sequence[str],
    objects: Sequence[Path | str],
    output: Path,
) -> None:
    run(
        [*toolchain.cc, *toolchain.target_flags(), *flags, *objects, "-o", output],
    )
