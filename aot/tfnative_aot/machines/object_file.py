# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads object files and libraries of all targets: ELF, Mach-O and COFF."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from tfnative.errors import InternalError
from tfnative_aot.machines.coff import read_coff
from tfnative_aot.machines.elf import read_elf
from tfnative_aot.machines.macho import read_macho
from tfnative_aot.machines.object_content import ObjectFile


def parse(path: Path) -> ObjectFile:
    """Reads a file.

    Raises:
        InternalError: It is of no known format, or damaged.
    """
    data = path.read_bytes()
    reader: Callable[[bytes], ObjectFile]
    if data[:4] == b"\x7fELF":
        reader = read_elf
    elif data[:4] == b"\xcf\xfa\xed\xfe":
        reader = read_macho
    else:
        reader = read_coff
    try:
        return reader(data)
    except (struct.error, ValueError, IndexError, OverflowError) as error:
        raise InternalError(f"{path} is no object file: {error}") from error


def read_symbol(path: Path, suffix: str) -> bytes:
    """The bytes of the symbol whose name ends in ``suffix``.

    Without a size it is all of its section from there on.

    Raises:
        InternalError: There is none.
    """
    content = parse(path)
    for symbol in content.symbols:
        if symbol.name.endswith(suffix) and symbol.section is not None:
            section = content.sections[symbol.section]
            size = symbol.size or section.size - symbol.value
            begin = section.offset + symbol.value
            return path.read_bytes()[begin : begin + size]
    raise InternalError(f"{path.name} has no symbol that ends in {suffix}")


def undefined_symbols(path: Path) -> frozenset[str]:
    """Names that the object file needs from elsewhere."""
    return frozenset(s.name for s in parse(path).symbols if s.section is None)


def section_range(path: Path, name: str) -> tuple[int, int]:
    """Offset in the file and size in bytes of a section.

    Raises:
        InternalError: There is no such section.
    """
    for section in parse(path).sections:
        if section.name == name:
            return section.offset, section.size
    raise InternalError(f"{path.name} has no section {name}")


def hide_symbols(path: Path, output: Path) -> None:
    """Copies an object, whose symbols are then known only inside of a library."""
    content = bytearray(path.read_bytes())
    for patch in parse(path).hiding:
        content[patch.offset] |= patch.bits
    output.write_bytes(content)
