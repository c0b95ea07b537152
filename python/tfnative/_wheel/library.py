# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checks the library of an artifact without running it, for any machine."""

from __future__ import annotations

import contextlib
import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from tfnative._core import crc32c
from tfnative._wheel.elf import MAGIC, glibc_version
from tfnative._wheel.platform_tags import platform_tag
from tfnative.errors import LoadError, UnimplementedError

ABI_VERSION = 3
"""TFN_ABI_VERSION in abi.h."""

_TRAILER = struct.Struct("<8sIIQQQII80s")
"""tfn_trailer in abi.h."""


def check_library(library: Path, triple: str) -> str:
    """Checks a library as ``load`` does, and says where it runs.

    Args:
        library: For any machine.
        triple: That it was compiled for.

    Returns:
        The platform tag of a wheel with it.

    Raises:
        LoadError: It cannot be read, is damaged, or has another ABI version.
        UnimplementedError: There is no platform tag for the triple.
    """
    with _mapped(library) as data:
        try:
            if data[:4] == MAGIC:  # Libraries of other formats have no trailer.
                _check_trailer(data)
            return platform_tag(triple, lambda: glibc_version(data))
        except (LoadError, UnimplementedError) as error:
            raise type(error)(f"cannot make a wheel of {library}: {error}") from error


@contextlib.contextmanager
def _mapped(library: Path) -> Iterator[mmap.mmap]:
    try:
        file = library.open("rb")
    except OSError as error:
        raise LoadError(f"cannot read {library}: {error}") from error
    with file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # An empty file cannot be mapped.
            raise LoadError(f"cannot read {library}: {error}") from error
        with data:
            yield data


def _check_trailer(data: mmap.mmap) -> None:
    if len(data) < _TRAILER.size or data[-_TRAILER.size :][:8] != b"TFNATIVE":
        raise LoadError(
            "the end of the library is missing: it is stripped, truncated, or was made "
            "for programs in C only"
        )
    trailer = _TRAILER.unpack(data[-_TRAILER.size :])
    _, abi_version, crc, file_bytes, offset, size, weights_crc, _, _ = trailer
    if abi_version != ABI_VERSION:
        raise LoadError(
            f"it has ABI version {abi_version}, this tfnative reads version "
            f"{ABI_VERSION}"
        )
    end = len(data) - _TRAILER.size
    with memoryview(data) as view:
        found = zlib.crc32(view[offset + size : end], zlib.crc32(view[:offset]))
        weights_found = crc32c(view[offset : offset + size])
    if file_bytes != len(data) or found != crc:
        raise LoadError("it is truncated or damaged: its checksum does not fit")
    if weights_found != weights_crc:
        raise LoadError("its weights are damaged: their checksum does not fit")
