# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads and writes TFRecord files.

The format is that of tensorflow/core/lib/io/record_writer.h: for each record its
length, a checksum of that, the record, and a checksum of it. Checksums are CRC-32C,
masked.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tfnative._core import crc32c
from tfnative.errors import InvalidArgumentError

_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")
_MASK_DELTA = 0xA282EAD8


def masked_crc32c(data: bytes) -> int:
    """The checksum of some bytes, as such files have it."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFF_FFFF


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a file, in order; there is one in memory at a time.

    Raises:
        InvalidArgumentError: It is cut off, or a checksum is wrong.
    """
    with path.open("rb") as file:
        yield from records_of(file, os.fstat(file.fileno()).st_size, str(path))


def records_of(file: IO[bytes], end: int, path: str) -> Iterator[bytes]:
    """The records of an open file, in order; there is one in memory at a time.

    Args:
        file: It, at its beginning.
        end: Its size in bytes.
        path: What it is called in messages.

    Raises:
        InvalidArgumentError: It is cut off, or a checksum is wrong.
    """
    at = 0
    while at < end:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise InvalidArgumentError(f"{path}: byte {at}: a record is cut off")
        size, crc = _HEAD.unpack(head)
        if masked_crc32c(head[:8]) != crc:
            raise InvalidArgumentError(f"{path}: byte {at}: a length is damaged")
        begin = at + _HEAD.size
        at = begin + size + _TAIL.size
        # Before anything is read: a length may be anything.
        record = file.read(size) if at <= end else b""
        tail = file.read(_TAIL.size)
        if at > end or len(record) < size or len(tail) < _TAIL.size:
            raise InvalidArgumentError(f"{path}: byte {begin}: a record is cut off")
        if masked_crc32c(record) != _TAIL.unpack(tail)[0]:
            raise InvalidArgumentError(f"{path}: byte {begin}: a record is damaged")
        yield record


def write_record(file: IO[bytes], record: bytes) -> None:
    """Writes a record behind those that a file has."""
    head = struct.pack("<Q", len(record))
    for part in (head, record):
        file.write(part)
        file.write(_TAIL.pack(masked_crc32c(part)))
