# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Opens files to read them, and nothing else: a device has no end, a pipe waits."""

from __future__ import annotations

import errno
import os
import stat
from typing import IO

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # Never waits for another process.


def open_regular(path: str | os.PathLike[str]) -> IO[bytes]:
    """The file, open to be read; links are followed.

    Raises:
        OSError: It cannot be opened, or is a device, pipe or socket.
        IsADirectoryError: It is a folder.
    """
    _check(path, os.stat(path).st_mode)  # Opening a device can do things.
    file = open(os.open(path, _FLAGS), "rb")  # noqa: SIM115 - the caller closes it.
    try:
        _check(path, os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


MOST_TEXT_BYTES = 1 << 28
"""Of a description, such as a manifest: what is larger is none, and might not end."""


def read_regular(path: str | os.PathLike[str], most: int = MOST_TEXT_BYTES) -> bytes:
    """The content of a file of at most so many bytes, as many as it has now.

    Raises:
        OSError: As ``open_regular``; or it has more.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1) if size <= most else b""
    if size > most or len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", os.fspath(path))
    return content


def _check(path: str | os.PathLike[str], mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(
            errno.EINVAL,
            "it is a device, pipe or socket: expected a file",
            os.fspath(path),
        )
