# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes wheels: archives with a list of their files.

Format: the specification of binary distributions, version 1.0. The same entries give
the same bytes.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import shutil
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tfnative._base.output_file import write_whole
from tfnative.errors import InvalidArgumentError

Entries = Mapping[str, bytes | Path]
"""What is in an archive: content, or the file that has it, by name."""

_TIME = (1980, 1, 1, 0, 0, 0)  # The first that archives can have.
_MODE = stat.S_IFREG | 0o644
_BLOCK_BYTES = 1 << 20
_UNIX = 3


def write_wheel(path: Path, entries: Entries, record: str) -> None:
    """Writes a wheel beside its place and moves it there; replaces one that is there.

    Args:
        path: Where to.
        entries: In order.
        record: Name of the list of files, which comes last.

    Raises:
        InvalidArgumentError: It cannot be written there, or a file cannot be read.
    """
    try:
        write_whole(path, lambda file: _write(file, entries, record))
    except (OSError, UnicodeError, zipfile.LargeZipFile) as error:
        raise InvalidArgumentError(f"cannot write {path}: {error}") from error


def _write(file: IO[bytes], entries: Entries, record: str) -> None:
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            table.writerow((name, *_add(archive, name, content)))
        table.writerow((record, "", ""))
        _add(archive, record, rows.getvalue().encode())


def _add(archive: zipfile.ZipFile, name: str, content: bytes | Path) -> tuple[str, int]:
    """Adds a file; returns what the record says of it: its hash and its size."""
    source = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
    with source:
        info = zipfile.ZipInfo(name, _TIME)
        info.file_size = source.seek(0, os.SEEK_END)  # Whether it needs ZIP64.
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system = _UNIX
        info.external_attr = _MODE << 16
        source.seek(0)
        reader = _HashingReader(source)
        with archive.open(info, "w") as entry:
            shutil.copyfileobj(reader, entry, _BLOCK_BYTES)
    return reader.digest(), info.file_size


class _HashingReader:
    """Reads a file, and hashes what was read."""

    def __init__(self, file: io.BufferedIOBase | io.BufferedReader) -> None:
        self._file = file
        self._sha = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._sha.update(block)
        return block

    def digest(self) -> str:
        text = base64.urlsafe_b64encode(self._sha.digest()).rstrip(b"=")
        return f"sha256={text.decode()}"
