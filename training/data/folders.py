# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of data that are there completely or not at all; see `training.hidden`."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from training.data import index
from training.errors import DataError
from training.hidden import hidden_beside, put

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT)
_ATTEMPTS = 100


@contextlib.contextmanager
def new_folder(folder: Path, *, replace: bool) -> Iterator[Path]:
    """A hidden folder to write to, which gets the place of ``folder`` at last.

    Args:
        folder: What is meant.
        replace: Whether to replace a complete folder; if not, it stays.

    Raises:
        DataError: What the block or the renaming raised as an OSError.
    """
    try:
        if folder.is_symlink():
            folder = folder.resolve()  # Files are to be where the link leads to.
        with hidden_beside(folder) as hidden:
            new = hidden / "data"
            new.mkdir()
            yield new
            _put(new, folder, replace=replace)
    except OSError as error:
        raise cannot_write(str(folder), error) from error


def cannot_write(folder: str, error: OSError) -> DataError:
    """What a full disk, and the like, becomes."""
    return DataError(
        f"{folder} cannot be written ({error.strerror or error}): free some space, or "
        "choose another folder with --data-folder"
    )


def _put(new: Path, folder: Path, *, replace: bool) -> None:
    """Renames the folder into its place, where other processes may do so, too."""
    for attempt in itertools.count(1):
        is_complete = (folder / index.FILE).is_file()
        if is_complete and not replace:
            return  # Someone was quicker, and may read it already.
        try:
            if is_complete:
                put(new, folder)
            else:
                os.rename(new, folder)  # Not over files of something else.
            return
        except OSError as error:
            # Someone may have put another one there since, or taken it away.
            if error.errno not in _TAKEN or attempt == _ATTEMPTS:
                raise
