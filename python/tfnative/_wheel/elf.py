# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads which versions of glibc an ELF file needs.

Format: System V ABI, chapter 4; Linux Standard Base, chapter 10.7 (symbol versions).
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tfnative.errors import LoadError

Bytes = bytes | mmap.mmap

MAGIC = b"\x7fELF"
_SHT_GNU_VERNEED = 0x6FFFFFFE
_VERNEED = struct.Struct("<HHIII")
_VERNAUX = struct.Struct("<IHHII")
# Versions of glibc that have a name of their own, and no symbols.
_NAMED = {"GLIBC_ABI_DT_RELR": (2, 36)}


@dataclass(frozen=True)
class _Layout:
    """Where things are in 32-bit or 64-bit files."""

    header: struct.Struct
    header_at: int
    section: struct.Struct


# Of the header: table of sections, (flags ... names), of which size and number matter.
# Of a section: type, offset, link, number of entries.
_LAYOUTS = {
    1: _Layout(struct.Struct("<I10xHH"), 32, struct.Struct("<4xI8xI4xII")),
    2: _Layout(struct.Struct("<Q10xHH"), 40, struct.Struct("<4xI16xQ8xII")),
}


def glibc_version(data: Bytes) -> tuple[int, int] | None:
    """The oldest glibc that has all symbol versions that a library needs.

    Args:
        data: The library: 32 or 64 bits, little-endian.

    Returns:
        As (2, 17); None if it needs no symbol with a version of glibc.

    Raises:
        LoadError: It is not such a file, or is damaged.
    """
    layout = _LAYOUTS.get(data[4]) if data[:4] == MAGIC and len(data) > 5 else None
    if layout is None or data[5] != 1:
        raise LoadError("it is not a little-endian ELF file")
    try:
        needed = list(_needed_versions(data, layout))
    except (struct.error, ValueError, IndexError) as error:
        raise LoadError(f"its symbol versions cannot be read: {error}") from error
    return max(filter(None, map(_of_glibc, needed)), default=None)


def _of_glibc(name: str) -> tuple[int, int] | None:
    match = re.match(r"GLIBC_(\d+)\.(\d+)", name)
    return (int(match[1]), int(match[2])) if match else _NAMED.get(name)


def _needed_versions(data: Bytes, layout: _Layout) -> Iterator[str]:
    table, size, count = layout.header.unpack_from(data, layout.header_at)

    def section(index: int) -> tuple[int, ...]:
        return layout.section.unpack_from(data, table + index * size)

    for index in range(count):
        kind, offset, link, entries = section(index)
        if kind == _SHT_GNU_VERNEED:
            names = section(link)[1]
            yield from _read_needed(data, offset, entries, names)


def _read_needed(data: Bytes, at: int, count: int, names: int) -> Iterator[str]:
    """The versions in a list of libraries, which each has a list of versions."""
    for _ in range(count):
        _, versions, _, first, next_library = _VERNEED.unpack_from(data, at)
        entry = at + first
        for _ in range(versions):
            _, _, _, name, next_version = _VERNAUX.unpack_from(data, entry)
            end = data.find(b"\0", names + name)
            yield data[names + name : end].decode("ascii")
            entry += next_version
        at += next_library
