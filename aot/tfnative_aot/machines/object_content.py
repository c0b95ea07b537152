# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is in object files and libraries of all formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


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


def read_text(data: bytes, start: int) -> str:
    """A text that ends in a zero, as all formats have them."""
    return data[start : data.index(b"\0", start)].decode()
