# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The folder that a library was compiled into, with what belongs to it."""

from __future__ import annotations

import os
from pathlib import Path


def artifact_folder(library: str | os.PathLike[str]) -> Path:
    """The folder of a library's artifact.

    Of a link to a library alone, that is where the library is. Folders may also have a
    link for each file, whose own places have other names: what is beside counts first.
    """
    path = Path(library)
    if path.is_symlink() and not (path.parent / "manifest.json").exists():
        return Path(os.path.realpath(path)).parent
    return path.parent
