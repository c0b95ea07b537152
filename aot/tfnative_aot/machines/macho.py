# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads Mach-O of 64 bits: see <mach-o/loader.h> and <mach-o/nlist.h>."""

from __future__ import annotations

import struct

from tfnative_aot.machines.object_content import (
    ObjectFile,
    Patch,
    Section,
    Symbol,
    read_text,
)

_LC_SYMTAB, _LC_SEGMENT_64 = 2, 0x19
_N_STAB, _N_PEXT, _N_EXT = 0xE0, 0x10, 0x01


def read_macho(data: bytes) -> ObjectFile:
    """Reads the bytes of a file; the errors of ``struct`` say that it is damaged."""
    (commands,) = struct.unpack_from("<I", data, 16)
    sections: list[Section] = []
    addresses: list[int] = []
    symbols: list[Symbol] = []
    hiding: list[Patch] = []
    at = 32
    for _ in range(commands):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == _LC_SEGMENT_64:
            (count,) = struct.unpack_from("<I", data, at + 64)
            for number in range(count):
                name, _, address, length, offset = struct.unpack_from(
                    "<16s16sQQI", data, at + 72 + 80 * number
                )
                sections.append(Section(name.rstrip(b"\0").decode(), offset, length))
                addresses.append(address)
        elif kind == _LC_SYMTAB:
            table, count, strings, _ = struct.unpack_from("<IIII", data, at + 8)
            for entry in range(table, table + 16 * count, 16):
                name, bits, section, _, value = struct.unpack_from(
                    "<IBBHQ", data, entry
                )
                if bits & _N_STAB:
                    continue
                is_global = bool(bits & _N_EXT)
                place = section - 1 if section else None
                if is_global and place is not None:
                    hiding.append(Patch(entry + 4, _N_PEXT))
                begin = value - addresses[place] if place is not None else 0
                text = read_text(data, strings + name).removeprefix("_")
                symbols.append(Symbol(text, place, begin, 0, is_global))
        at += size
    return ObjectFile(tuple(sections), tuple(symbols), tuple(hiding))
