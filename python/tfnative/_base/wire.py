# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Protocol buffer messages as they lie on the wire.

For what a library for them would copy once too often, and where there is none. The
format is that of https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from tfnative.errors import InvalidArgumentError

Buffer: TypeAlias = bytes | bytearray | memoryview

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types."""

_MAX_VARINT_BYTES = 10
_ONE_BYTE = tuple(bytes([value]) for value in range(0x80))


def varint(value: int) -> bytes:
    """An unsigned number; negative ones as their two's complement of 64 bits."""
    if 0 <= value < 0x80:  # Nearly all are.
        return _ONE_BYTE[value]
    value &= 0xFFFF_FFFF_FFFF_FFFF
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def number_field(number: int, value: int) -> bytes:
    """A field with a varint."""
    return varint(number << 3 | VARINT) + varint(value)


def bytes_field(number: int, content: bytes) -> bytes:
    """A field with a string, bytes, a message, or packed numbers."""
    return varint(number << 3 | BYTES) + varint(len(content)) + content


def bytes_field_of_parts(number: int, parts: Sequence[Buffer]) -> list[Buffer]:
    """Likewise, in parts that are yet to be joined, so that they are copied once."""
    size = sum(len(part) for part in parts)
    return [varint(number << 3 | BYTES) + varint(size), *parts]


def read_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message, in order.

    Args:
        message: Bytes. Nothing is copied: what is yielded lies in them.

    Yields:
        The number of the field; and its value: a varint as an unsigned number, all
        else as bytes.

    Raises:
        InvalidArgumentError: It is not well formed.
    """
    at, end = 0, len(message)
    while at < end:
        tag, at = _read_varint(message, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == VARINT:
            value, at = _read_varint(message, at)
            yield number, value
            continue
        if wire_type == BYTES:
            size, at = _read_varint(message, at)
        elif wire_type in (FIXED64, FIXED32):
            size = 8 if wire_type == FIXED64 else 4
        else:
            raise InvalidArgumentError(f"a message has wire type {wire_type}")
        if size > end - at:
            raise InvalidArgumentError("a message is cut off")
        yield number, message[at : at + size]
        at += size


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    if at < len(message) and message[at] < 0x80:
        return message[at], at + 1
    value = 0
    for i, byte in enumerate(message[at : at + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + i + 1
    raise InvalidArgumentError("a number in a message does not end")
