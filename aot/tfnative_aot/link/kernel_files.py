# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Object files in the cache, and how damage to them is noticed and repaired."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tfnative._cache.digest import file_digest

SUMS = "SHA256SUMS"  # Its form is that of `sha256sum --check`.


def write_sums(folder: Path, names: Sequence[str]) -> None:
    """Writes the digests of files of a folder into it."""
    (folder / SUMS).write_text(_sums(folder, names))


def is_whole(folder: Path, names: Sequence[str]) -> bool:
    """Whether the files are those of which the digests were written."""
    try:
        return (folder / SUMS).read_text() == _sums(folder, names)
    except (OSError, ValueError):
        return False


def publish(made: Path, folder: Path, names: Sequence[str]) -> None:
    """Gives a folder of files with digests its name.

    Who reads a damaged folder of that name at the same time finds of each file either
    the old or the new content.

    Raises:
        OSError: The cache cannot be written to.
    """
    made.chmod(0o755)  # Other users may read the cache.
    try:
        os.rename(made, folder)
    except OSError:
        if not folder.is_dir():
            raise
        # Another process was quicker, and its files are the same; or they are damaged.
        if not is_whole(folder, names):
            for name in (*names, SUMS):
                os.replace(made / name, folder / name)


def _sums(folder: Path, names: Sequence[str]) -> str:
    return "".join(f"{file_digest(folder / name)}  {name}\n" for name in names)
