# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes files as a whole or not at all, and leaves alone what is no file.

A file is written beside its place and moved there. What a link names is replaced, not
the link. Devices, pipes and sockets are never replaced: they are written to, as a shell
would.
"""

from __future__ import annotations

import errno
import io
import os
import re
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tfnative.errors import InvalidArgumentError

_MOST_LINKS = 40
_OPEN_FILES = re.compile(r"/proc/(self|thread-self|\d+(/task/\d+)?)/fd")
"""Names of what is open, as /dev/stdout is: its readers would not see a new file."""

Write = Callable[[IO[bytes]], object]


def write_whole(path: str | os.PathLike[str], write: Write) -> None:
    """Writes a file.

    Args:
        path: Where to.
        write: Writes the content to a file that it can seek in.

    Raises:
        OSError: It cannot be written there, or is a folder.
    """
    target = file_to_replace(path)
    if target is None:
        content = io.BytesIO()
        write(content)
        with open(path, "wb") as file:
            file.write(content.getbuffer())
        return
    descriptor, temporary = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.name[:100]}-"
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
        os.chmod(temporary, _mode_of(target))
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def require_folder(path: str | os.PathLike[str]) -> None:
    """For what writes a file after long work: that it can, as far as one can tell.

    Raises:
        InvalidArgumentError: The file's folder does not exist, or is not one to write
            to; or the file is a folder.
    """
    try:
        target = file_to_replace(path)
    except OSError as error:
        raise InvalidArgumentError(
            f"cannot write {_shown(path)}: {error.strerror}"
        ) from None
    if target is None:
        return  # A device or a pipe, which need no folder.
    if not target.parent.is_dir():
        raise InvalidArgumentError(
            f"cannot write {_shown(path)}: there is no folder {target.parent}"
        )
    if not os.access(target.parent, os.W_OK):
        raise InvalidArgumentError(
            f"cannot write {_shown(path)}: {target.parent} cannot be written to"
        )


def write_file(path: str | os.PathLike[str], write: Write) -> None:
    """Writes a file as ``write_whole`` does.

    Raises:
        InvalidArgumentError: It cannot be written there.
    """
    try:
        write_whole(path, write)
    except OSError as error:
        raise InvalidArgumentError(f"cannot write {_shown(path)}: {error}") from error


def _shown(path: str | os.PathLike[str]) -> str:
    return os.fspath(path) or "''"


def file_to_replace(path: str | os.PathLike[str]) -> Path | None:
    """The place of a file that is there or would be; None for what is no file.

    Raises:
        OSError: There is a folder, or the path is none.
    """
    name = os.fspath(path)
    if not name:
        raise FileNotFoundError(errno.ENOENT, "expected the name of a file, got ''")
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(os.path.dirname(name) or ".")
        name = os.path.join(folder, os.path.basename(name))
        if _OPEN_FILES.fullmatch(folder):
            return None
        if not os.path.islink(name):
            break
        name = os.path.join(folder, os.readlink(name))
    try:
        mode = os.stat(name).st_mode
    except FileNotFoundError:
        return Path(name)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    return Path(name) if stat.S_ISREG(mode) else None


def _mode_of(target: Path) -> int:
    """Who may do what with it, as before; for a new file, as the umask has it."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o644 & ~mask
