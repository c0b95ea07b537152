# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which folder is the cache, and what its errors are."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from tfnative._base.permissions import check_unwritable
from tfnative.errors import Error, FailedPreconditionError, ResourceExhaustedError

VARIABLE = "TFNATIVE_CACHE"


def cache_folder() -> Path:
    """The cache's folder, whether it exists or not.

    Raises:
        FailedPreconditionError: No environment variable names one, and there is no
            home folder.
    """
    if configured := os.environ.get(VARIABLE):
        return Path(configured).absolute()
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base).absolute() / "tfnative"
    try:
        return Path.home() / ".cache" / "tfnative"
    except RuntimeError as error:
        raise FailedPreconditionError(
            f"there is no home folder for the cache: set {VARIABLE} to a folder"
        ) from error


def make_cache(folder: Path) -> None:
    """Makes the cache's folder, for this user alone, if there is none.

    Raises:
        OSError: It cannot be made.
        PermissionDeniedError: As ``check_cache``.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_cache(folder)


def check_cache(folder: Path) -> None:
    """Checks that nobody else can put code into the cache, or a part of it.

    Raises:
        PermissionDeniedError: Somebody can.
    """
    check_unwritable(folder, "the cache", f"Or set {VARIABLE} to another folder.")


def close_to_others(folder: Path) -> None:
    """Lets only its owner write to a folder and what is in it, whatever the umask is.

    Raises:
        OSError: The permissions cannot be changed.
    """
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o7777 & ~0o022)


def disk_error(folder: Path, error: OSError) -> Error:
    """What an error of the file system means to who uses the cache."""
    what = f"the cache {folder} cannot be written to: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ResourceExhaustedError(
            f"{what}. `tfnative cache clear` makes room; {VARIABLE} sets another folder"
        )
    return FailedPreconditionError(f"{what}. {VARIABLE} sets another folder")


def remove_at_once(folder: Path, prefix: str) -> None:
    """Removes a folder; renames it first, so that nobody finds half of it.

    Args:
        folder: Which. Nothing happens if somebody else has removed it.
        prefix: Of the name, beside it, that it has until it is gone.

    Raises:
        OSError: It cannot be renamed.
    """
    bin_ = tempfile.mkdtemp(prefix=prefix, dir=folder.parent)
    try:
        with suppress(FileNotFoundError):
            folder.rename(Path(bin_, "item"))
    finally:
        shutil.rmtree(bin_, ignore_errors=True)


def write_atomically(path: Path, content: str) -> None:
    """Writes a file that others see either as it was or whole."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        temporary.write_text(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
