# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads ELF: see the System V ABI, chapter 4. Little-endian, of 32 and 64 bits."""

from __future__ import annotations

import struct

from tfnative_aot.machines.object_content import (
    ObjectFile,
    Patch,
    Section,
    Symbol,
    read_text,
)

_SHT_SYMTAB = 2
_STV_HIDDEN = 2
_STT_SECTION, _STT_FILE = 3, 4


def read_elf(data: bytes) -> ObjectFile:
    """Reads the bytes of a file; the errors of ``struct`` say that it is damaged."""
    is_wide = data[4] == 2
    if data[5] != 1:
        raise ValueError("not little-endian")
    if is_wide:
        (table,) = struct.unpack_from("<Q", data, 40)
        row, entry_size, other_at = "<IIQQQQI", 24, 5
    else:
        (table,) = struct.unpack_from("<I", data, 32)
        row, entry_size, other_at = "<IIIIIII", 16, 13
    size, count, names_at = struct.unpack_from("<HHH", data, 58 if is_wide else 46)
    rows = [struct.unpack_from(row, data, table + i * size) for i in range(count)]
    names = rows[names_at][4] if rows else 0
    sections = tuple(
        Section(read_text(data, names + name), offset, length)
        for name, _, _, _, offset, length, _ in rows
    )
    symbols, hiding = [], []
    for _, kind, _, _, offset, length, link in rows:
        if kind != _SHT_SYMTAB:
            continue
        strings = rows[link][4]
        for at in range(offset, offset + length, entry_size):
            if is_wide:
                name, info, _, section, value, span = struct.unpack_from(
                    "<IBBHQQ", data, at
                )
            else:
                name, value, span, info, _, section = struct.unpack_from(
                    "<IIIBBH", data, at
                )
            if not name or info & 15 in (_STT_SECTION, _STT_FILE):
                continue
            is_global = info >> 4 != 0
            if is_global and section:
                hiding.append(Patch(at + other_at, _STV_HIDDEN))
            place = section if 0 < section < len(sections) else None
            if section and place is None:
                continue  # An absolute number, not a place.
            symbols.append(
                Symbol(read_text(data, strings + name), place, value, span, is_global)
            )
    return ObjectFile(sections, tuple(symbols), tuple(hiding))
