# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the artifact's libraries and lays out its folder."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from tfnative._core import crc32c
from tfnative.manifest import Manifest
from tfnative_aot.emit.artifact_c import emit_artifact, program_header
from tfnative_aot.emit.data_s import WEIGHTS_SECTION, emit_data
from tfnative_aot.emit.interface import Interface
from tfnative_aot.emit.names import NAMES_HEADER, emit_names
from tfnative_aot.emit.program_c import emit_programs
from tfnative_aot.emit.weights import WeightPool
from tfnative_aot.link.kernels import Kernels
from tfnative_aot.link.linking import link_shared
from tfnative_aot.link.sizes import measure, write_sizes
from tfnative_aot.link.toolchain import Toolchain, sources_dir
from tfnative_aot.machines import object_file
from tfnative_aot.machines.cpu_levels import CpuLevel
from tfnative_aot.program.program import Program

ABI_VERSION = 3
"""TFN_ABI_VERSION in abi.h."""

_TRAILER = struct.Struct("<8sIIQQQII80s")
"""tfn_trailer in abi.h."""


@dataclass(frozen=True)
class Parts:
    """Sources of an artifact, and XLA's objects, before the manifest is known.

    Attributes:
        interface: Names, signatures and target.
        levels: CPU levels, ascending.
        programs: All variants.
        weights: Their constants.
        objects: XLA's code.
        folder: Where the emitted sources are.
    """

    interface: Interface
    levels: tuple[CpuLevel, ...]
    programs: tuple[Program, ...]
    weights: WeightPool
    objects: tuple[Path, ...]
    folder: Path


def emit_parts(
    interface: Interface,
    levels: Sequence[CpuLevel],
    programs: Sequence[Program],
    folder: Path,
) -> Parts:
    """Writes the sources of the programs."""
    weights = WeightPool(programs)
    folder.mkdir()
    (folder / "weights.bin").write_bytes(weights.data)
    (folder / NAMES_HEADER).write_text(
        emit_names(interface.name, programs, weights_apart=interface.weights_apart)
    )
    objects = []
    for program in programs:
        hidden = folder / f"xla_{program.key.symbol}.o"
        object_file.hide_symbols(program.object_file, hidden)
        objects.append(hidden)
    for level in levels:
        header = program_header(level)
        of_level = [p for p in programs if p.key.level == level]
        emitted = emit_programs(
            of_level, weights, header, has_steps=not interface.is_minimal
        )
        (folder / header).write_text(emitted.header)
        (folder / program_source(level)).write_text(emitted.source)
    return Parts(
        interface=interface,
        levels=tuple(levels),
        programs=tuple(programs),
        weights=weights,
        objects=tuple(objects),
        folder=folder,
    )


def program_source(level: CpuLevel) -> str:
    """File name of the C of a level's programs."""
    return f"program_{level.tag}.c"


def compile_programs(
    parts: Parts,
    kernels: Mapping[CpuLevel, Kernels],
    toolchain: Toolchain,
    pool: Executor,
) -> tuple[Path, ...]:
    """Compiles the programs, as many levels at once as the pool has threads.

    Returns:
        All objects of the artifact but those that know the manifest.
    """

    def compile_level(level: CpuLevel) -> Path:
        source = parts.folder / program_source(level)
        flags = [*_include_flags(parts.folder), f"-DTFN_LEVEL={kernels[level].macro}"]
        return toolchain.compile_c(source, source.with_suffix(".o"), flags=flags)

    objects = list(parts.objects)
    compiled = pool.map(compile_level, parts.levels)
    for level, program in zip(parts.levels, compiled, strict=True):
        objects += [program, *kernels[level].objects]
    return tuple(objects)


def emit_entry_points(parts: Parts, manifest: Manifest) -> tuple[Path, Path]:
    """Writes what knows the manifest: the entry points, and the data."""
    text = manifest.to_json().encode()
    folder, interface = parts.folder, parts.interface
    (folder / "manifest.json").write_bytes(text)
    source, data = folder / "artifact.c", folder / "data.S"
    source.write_text(
        emit_artifact(
            interface,
            parts.levels,
            parts.programs,
            weights_bytes=len(parts.weights.data),
            weights_digest=hashlib.sha256(parts.weights.data).digest(),
            manifest_bytes=len(text),
        )
    )
    data.write_text(emit_data(interface))
    return source, data


def link(
    parts: Parts,
    programs: Sequence[Path],
    manifest: Manifest,
    toolchain: Toolchain,
    output: Path,
    *,
    shared: bool = True,
    static: bool = False,
    measured: bool = False,
) -> None:
    """Links the libraries with a manifest into the artifact folder ``output``.

    What else is in the folder is left as it is, so that the manifest can be
    replaced when more is known.

    Args:
        parts: What ``emit_parts`` made.
        programs: What ``compile_programs`` made of it.
        manifest: Goes into the library, and beside it.
        toolchain: Compilers.
        output: The artifact's folder; created if need be.
        shared: Make a shared library.
        static: Make libNAME.a, too, which has a second copy of the weights.
        measured: Write down what each part of the shared library costs (ELF).
    """
    folder, interface = parts.folder, parts.interface
    source, data = emit_entry_points(parts, manifest)
    flags = [*_include_flags(folder), f"-DTFN_LEVEL={parts.levels[0].tag}"]
    objects = [
        *programs,
        toolchain.compile_c(source, folder / "artifact.o", flags=flags),
        toolchain.compile_c(data, folder / "data.o", flags=[f"-I{folder}"]),
    ]
    output.mkdir(parents=True, exist_ok=True)
    if shared:
        library = output / interface.target.shared_library(interface.name)
        link_shared(toolchain, objects, library, exports=interface.exports)
        if interface.target.object_format == "elf" and not interface.is_minimal:
            _append_trailer(library, interface)
        if interface.target.object_format == "elf" and measured:
            whole = folder / "unstripped.so"
            link_shared(
                toolchain, objects, whole, exports=interface.exports, strip=False
            )
            weights = 0 if interface.weights_apart else len(parts.weights.data)
            manifest_bytes = 0 if interface.is_minimal else len(manifest.to_json())
            sizes = measure(
                *(whole, library), weights_bytes=weights, manifest_bytes=manifest_bytes
            )
            write_sizes(output, sizes)
    if static:
        toolchain.archive(objects, output / f"lib{interface.name}.a")
    if interface.weights_apart:
        (output / f"{interface.name}.weights").write_bytes(parts.weights.data)
    (output / "manifest.json").write_text(manifest.to_json())


def _include_flags(folder: Path) -> list[str]:
    kernels, headers = sources_dir()
    return [f"-I{folder}", f"-I{kernels}", f"-I{headers}"]


def _append_trailer(library: Path, interface: Interface) -> None:
    data = library.read_bytes()
    offset, size = len(data), 0
    if not interface.weights_apart:
        offset, size = object_file.section_range(library, WEIGHTS_SECTION)
    crc = zlib.crc32(data[offset + size :], zlib.crc32(data[:offset]))
    trailer = _TRAILER.pack(
        b"TFNATIVE",
        ABI_VERSION,
        crc,
        len(data) + _TRAILER.size,
        offset,
        size,
        crc32c(memoryview(data)[offset : offset + size]),
        0,
        interface.name.encode(),
    )
    with library.open("ab") as file:
        file.write(trailer)
