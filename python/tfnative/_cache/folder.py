# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which folder is the cache, and what its errors are."""

from __future__ import annotations

import errno
import os
from pathlib import Path

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


def disk_error(folder: Path, error: OSError) -> Error:
    """What an error of the file system means to who uses the cache."""
    what = f"the cache {folder} cannot be written to: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ResourceExhaustedError(
            f"{what}. `tfnative cache clear` makes room; {VARIABLE} sets another folder"
        )
    return FailedPreconditionError(f"{what}. {VARIABLE} sets another folder")


def write_atomically(path: Path, content: str) -> None:
    """Writes a file that others see either as it was or whole."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        temporary.write_text(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
