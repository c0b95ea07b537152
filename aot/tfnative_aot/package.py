# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the artifact's libraries and lays out its folder."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnative.manifest import Manifest
from tfnative_aot import object_file
from tfnative_aot.emit.artifact_c import emit_artifact, emit_data, program_header
from tfnative_aot.emit.bazel import emit_build_file
from tfnative_aot.emit.cmake import emit_cmake_config
from tfnative_aot.emit.header import emit_header
from tfnative_aot.emit.interface import Interface
from tfnative_aot.emit.program_c import emit_programs
from tfnative_aot.emit.weights import WeightPool
from tfnative_aot.program import Program
from tfnative_aot.targets import CpuLevel
from tfnative_aot.toolchain import Toolchain, sources_dir

ABI_VERSION = 2
"""TFN_ABI_VERSION in abi.h."""

_TRAILER = struct.Struct("<8sIIQQQQ80s")
"""tfn_trailer in abi.h."""


@dataclass(frozen=True)
class Parts:
    """Compiled objects of an artifact, before the manifest is known.

    Attributes:
        interface: Names, signatures and target.
        levels: CPU levels, ascending.
        programs: All variants.
        weights: Their constants.
        objects: XLA's and our code.
        folder: Where the emitted sources are.
    """

    interface: Interface
    levels: tuple[CpuLevel, ...]
    programs: tuple[Program, ...]
    weights: WeightPool
    objects: tuple[Path, ...]
    folder: Path


def build_parts(
    interface: Interface,
    levels: Sequence[CpuLevel],
    programs: Sequence[Program],
    kernels: Sequence[Path],
    toolchain: Toolchain,
    folder: Path,
) -> Parts:
    """Emits the programs and compiles them."""
    weights = WeightPool(programs)
    objects = [program.object_file for program in programs]
    folder.mkdir()
    (folder / "weights.bin").write_bytes(weights.data)
    for level in levels:
        header = program_header(level)
        of_level = [p for p in programs if p.key.level == level]
        emitted = emit_programs(of_level, weights, header)
        (folder / header).write_text(emitted.header)
        source = folder / f"program_{level.tag}.c"
        source.write_text(emitted.source)
        objects.append(
            toolchain.compile_c(
                source, source.with_suffix(".o"), flags=_include_flags(folder, level)
            )
        )
    return Parts(
        interface=interface,
        levels=tuple(levels),
        programs=tuple(programs),
        weights=weights,
        objects=(*objects, *kernels),
        folder=folder,
    )


def link(
    parts: Parts,
    manifest: Manifest,
    toolchain: Toolchain,
    output: Path,
    *,
    static: bool = False,
) -> None:
    """Links the libraries with a manifest into the artifact folder ``output``.

    What else is in the folder is left as it is, so that the manifest can be
    replaced when more is known.

    Args:
        parts: What ``build_parts`` made.
        manifest: Goes into the library, and beside it.
        toolchain: Compilers.
        output: The artifact's folder; created if need be.
        static: Make libNAME.a, too, which has a second copy of the weights.
    """
    text = manifest.to_json().encode()
    folder, interface = parts.folder, parts.interface
    (folder / "manifest.json").write_bytes(text)
    source = folder / "artifact.c"
    source.write_text(
        emit_artifact(
            interface,
            parts.levels,
            parts.programs,
            weights_bytes=len(parts.weights.data),
            manifest_bytes=len(text),
        )
    )
    data = folder / "data.S"
    data.write_text(emit_data("weights.bin", "manifest.json"))
    flags = _include_flags(folder, parts.levels[0])
    objects = [
        *parts.objects,
        toolchain.compile_c(source, folder / "artifact.o", flags=flags),
        toolchain.compile_c(data, folder / "data.o", flags=[f"-I{folder}"]),
    ]
    output.mkdir(parents=True, exist_ok=True)
    library = output / f"lib{interface.name}.so"
    toolchain.link_shared(objects, library, exports=interface.exports)
    _append_trailer(library, interface.name)
    if static:
        toolchain.archive(
            objects, output / f"lib{interface.name}.a", exports=interface.exports
        )
    (output / "manifest.json").write_bytes(text)


def write_sdk(parts: Parts, output: Path, *, static: bool) -> None:
    """Writes the headers, and what CMake and Bazel find the libraries with."""
    name = parts.interface.name
    include = output / "include"
    (include / "tfnative").mkdir(parents=True)
    (include / f"{name}.h").write_text(emit_header(parts.interface))
    shutil.copyfile(
        sources_dir()[1] / "tfnative" / "abi.h", include / "tfnative" / "abi.h"
    )
    cmake = output / "lib" / "cmake" / name
    cmake.mkdir(parents=True)
    (cmake / f"{name}-config.cmake").write_text(
        emit_cmake_config(parts.interface, static=static)
    )
    (output / "BUILD.bazel").write_text(
        emit_build_file(parts.interface, static=static, shared_library=f"lib{name}.so")
    )


def _include_flags(folder: Path, level: CpuLevel) -> list[str]:
    kernels, headers = sources_dir()
    return [f"-I{folder}", f"-I{kernels}", f"-I{headers}", f"-DTFN_LEVEL={level.tag}"]


def _append_trailer(library: Path, name: str) -> None:
    offset, size = object_file.section_range(library, ".tfn_weights")
    data = library.read_bytes()
    crc = zlib.crc32(data[offset + size :], zlib.crc32(data[:offset]))
    trailer = _TRAILER.pack(
        b"TFNATIVE",
        ABI_VERSION,
        crc,
        len(data) + _TRAILER.size,
        offset,
        size,
        0,
        name.encode(),
    )
    with library.open("ab") as file:
        file.write(trailer)
