# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads TFRecord files.

The format is that of tensorflow/core/lib/io/record_writer.h: for each record its
length, a checksum of that, the record, and a checksum of it. Checksums are CRC-32C,
masked.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from tfnative.errors import InvalidArgumentError

_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")
_MASK_DELTA = 0xA282EAD8
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reversed.


def _entry(index: int) -> int:
    for _ in range(8):
        index = (index >> 1) ^ (_POLYNOMIAL if index & 1 else 0)
    return index


_TABLE = [_entry(index) for index in range(256)]


def masked_crc32c(data: bytes) -> int:
    """The checksum of some bytes, as such files have it."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFF_FFFF
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFF_FFFF


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a file, in order.

    Raises:
        InvalidArgumentError: It is cut off, or a checksum is wrong.
    """
    data = path.read_bytes()
    at = 0
    while at < len(data):
        if at + _HEAD.size > len(data):
            raise InvalidArgumentError(f"{path}: byte {at}: a record is cut off")
        size, crc = _HEAD.unpack_from(data, at)
        if masked_crc32c(data[at : at + 8]) != crc:
            raise InvalidArgumentError(f"{path}: byte {at}: a length is damaged")
        begin = at + _HEAD.size
        record = data[begin : begin + size]
        at = begin + size + _TAIL.size
        if at > len(data):
            raise InvalidArgumentError(f"{path}: byte {begin}: a record is cut off")
        if masked_crc32c(record) != _TAIL.unpack_from(data, begin + size)[0]:
            raise InvalidArgumentError(f"{path}: byte {begin}: a record is damaged")
        yield record
