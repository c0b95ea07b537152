# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads data out of ELF object files and shared libraries.

Format: System V ABI, chapter 4 (object files), 64-bit little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tfnative.errors import InternalError

_SHT_SYMTAB = 2
_SHN_UNDEF = 0


@dataclass(frozen=True)
class Symbol:
    """A symbol of an object file: name, section number (0: undefined) and place."""

    name: str
    section: int
    value: int
    size: int


@dataclass(frozen=True)
class _Section:
    name: str
    type: int
    offset: int
    size: int
    link: int


def read_symbol(path: Path, suffix: str) -> bytes:
    """The bytes of the symbol whose name ends in ``suffix``.

    Raises:
        InternalError: There is none.
    """
    data = path.read_bytes()
    sections = _sections(data)
    for symbol in _symbols(data, sections):
        if symbol.name.endswith(suffix) and symbol.section != _SHN_UNDEF:
            start = sections[symbol.section].offset + symbol.value
            return data[start : start + symbol.size]
    raise InternalError(f"{path.name} has no symbol that ends in {suffix}")


def undefined_symbols(path: Path) -> frozenset[str]:
    """Names that the object file needs from elsewhere."""
    data = path.read_bytes()
    return frozenset(
        symbol.name
        for symbol in _symbols(data, _sections(data))
        if symbol.section == _SHN_UNDEF and symbol.name
    )


def section_range(path: Path, name: str) -> tuple[int, int]:
    """Offset in the file and size in bytes of a section.

    Raises:
        InternalError: There is no such section.
    """
    for section in _sections(path.read_bytes()):
        if section.name == name:
            return section.offset, section.size
    raise InternalError(f"{path.name} has no section {name}")


def _sections(data: bytes) -> list[_Section]:
    if data[:6] != b"\x7fELF\x02\x01":
        raise InternalError("not a 64-bit little-endian ELF file")
    (table,) = struct.unpack_from("<Q", data, 40)
    entry_size, count, names_index = struct.unpack_from("<HHH", data, 58)
    rows = []
    for i in range(count):
        name, kind, _, _, offset, size, link = struct.unpack_from(
            "<IIQQQQI", data, table + i * entry_size
        )
        rows.append((name, kind, offset, size, link))
    names = rows[names_index][2]
    return [
        _Section(_string(data, names + name), kind, offset, size, link)
        for name, kind, offset, size, link in rows
    ]


def _symbols(data: bytes, sections: list[_Section]) -> Iterator[Symbol]:
    for table in (s for s in sections if s.type == _SHT_SYMTAB):
        names = sections[table.link].offset
        for at in range(table.offset, table.offset + table.size, 24):
            name, _, _, section, value, size = struct.unpack_from("<IBBHQQ", data, at)
            yield Symbol(_string(data, names + name), section, value, size)


def _string(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode()
