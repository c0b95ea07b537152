# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads object files and libraries of all targets: ELF, Mach-O and COFF.

Formats: System V ABI, chapter 4; <mach-o/loader.h> and <mach-o/nlist.h>; Microsoft's
"PE Format". Little-endian all of them; Mach-O 64-bit.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tfnative.errors import InternalError


class Symbol(NamedTuple):
    """A function or data.

    Attributes:
        name: As in C: without the underscore that Mach-O puts before it.
        section: Number of its section, from 0 on; None if it is from elsewhere.
        value: Where it begins in its section.
        size: 0 where the format has no sizes.
        is_global: Whether other object files see it.
    """

    name: str
    section: int | None
    value: int
    size: int
    is_global: bool


class Section(NamedTuple):
    """A section: its name, and where its content lies in the file."""

    name: str
    offset: int
    size: int


class Patch(NamedTuple):
    """Bits to be set in a byte of a file."""

    offset: int
    bits: int


@dataclass(frozen=True)
class ObjectFile:
    """What is in an object file or library.

    Attributes:
        sections: In their order.
        symbols: In their order.
        hiding: What makes the symbols known to the library only that the object is
            linked into. COFF has no way to say so, and no need: a DLL exports what it
            is told to.
    """

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    hiding: tuple[Patch, ...] = ()


def parse(path: Path) -> ObjectFile:
    """Reads a file.

    Raises:
        InternalError: It is of no known format, or damaged.
    """
    data = path.read_bytes()
    reader: Callable[[bytes], ObjectFile]
    if data[:4] == b"\x7fELF":
        reader = _read_elf
    elif data[:4] == b"\xcf\xfa\xed\xfe":
        reader = _read_macho
    else:
        reader = _read_coff
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


# --- ELF ------------------------------------------------------------------------------

_SHT_SYMTAB = 2
_STV_HIDDEN = 2
_STT_SECTION, _STT_FILE = 3, 4


def _read_elf(data: bytes) -> ObjectFile:
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
        Section(_text(data, names + name), offset, length)
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
                Symbol(_text(data, strings + name), place, value, span, is_global)
            )
    return ObjectFile(sections, tuple(symbols), tuple(hiding))


# --- Mach-O ---------------------------------------------------------------------------

_LC_SYMTAB, _LC_SEGMENT_64 = 2, 0x19
_N_STAB, _N_PEXT, _N_EXT = 0xE0, 0x10, 0x01


def _read_macho(data: bytes) -> ObjectFile:
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
                text = _text(data, strings + name).removeprefix("_")
                symbols.append(Symbol(text, place, begin, 0, is_global))
        at += size
    return ObjectFile(tuple(sections), tuple(symbols), tuple(hiding))


# --- COFF, and PE with it -------------------------------------------------------------

_MACHINES = (0x8664, 0xAA64)
_CLASS_EXTERNAL = 2


def _read_coff(data: bytes) -> ObjectFile:
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
                text = _text(data, strings + struct.unpack_from("<I", name, 4)[0])
            else:
                text = name.rstrip(b"\0").decode()
            place = section - 1 if section else None
            symbols.append(Symbol(text, place, value, 0, is_global=True))
    return ObjectFile(tuple(sections), tuple(symbols))


def _coff_name(data: bytes, name: bytes, strings: int) -> str:
    text = name.rstrip(b"\0").decode()
    if text.startswith("/"):
        return _text(data, strings + int(text[1:]))
    return text


def _text(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode()
