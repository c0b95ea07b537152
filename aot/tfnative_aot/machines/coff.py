# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads COFF, and PE with it: see Microsoft's "PE Format"."""

from __future__ import annotations

import struct

from tfnative_aot.machines.object_content import ObjectFile, Section, Symbol, read_text

_MACHINES = (0x8664, 0xAA64)
_CLASS_EXTERNAL = 2


def read_coff(data: bytes) -> ObjectFile:
    """Reads the bytes of a file; the errors of ``struct`` say that it is damaged."""
    header = 0
    if data[:2] == b"MZ":
        (header,) = struct.unpack_from("<I", data, 60)
        header += 4
    machine, count, _, table, entries, optional, _ = struct.unpack_from(
        "<HHIIIHH", data, header
    )
    if machine not in _MACHINES:
        raise ValueError("of no known format")
    strings = table + 18 * entries
    sections = []
    for number in range(count):
        at = header + 20 + optional + 40 * number
        name, _, _, size, offset = struct.unpack_from("<8sIIII", data, at)
        sections.append(Section(_coff_name(data, name, strings), offset, size))
    symbols = []
    number = 0
    while number < entries:
        name, value, section, _, kind, more = struct.unpack_from(
            "<8sIhHBB", data, table + 18 * number
        )
        number += 1 + more
        if kind == _CLASS_EXTERNAL and section >= 0:
            if name[:4] == b"\0\0\0\0":
                text = read_text(data, strings + struct.unpack_from("<I", name, 4)[0])
            else:
                text = name.rstrip(b"\0").decode()
            place = section - 1 if section else None
            symbols.append(Symbol(text, place, value, 0, is_global=True))
    return ObjectFile(tuple(sections), tuple(symbols))


def _coff_name(data: bytes, name: bytes, strings: int) -> str:
    text = name.rstrip(b"\0").decode()
    if text.startswith("/"):
        return read_text(data, strings + int(text[1:]))
    return text
