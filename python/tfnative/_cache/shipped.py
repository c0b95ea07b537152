# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models in the cache that came from another machine."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from tfnative._cache.folder import cache_folder, remove_at_once


def shipped_folder() -> Path:
    """Where they are, each in a folder of its own."""
    return cache_folder() / "shipped"


def clear_shipped(limit: float | None) -> None:
    """Removes those that came before, and what is left of some that did not arrive.

    Processes that have loaded one keep it.

    Args:
        limit: Seconds since 1970. Default: all.

    Raises:
        OSError: The cache cannot be written to.
    """
    parent = shipped_folder()
    if not parent.is_dir():
        return
    for path in sorted(parent.iterdir()):
        with suppress(FileNotFoundError):  # Somebody else removed it.
            if limit is not None and path.stat().st_mtime > limit:
                continue
            if path.is_dir():
                remove_at_once(path, ".removed-")
            # Whoever waits for a lock that is gone unpacks, and finds it there.
            else:
                path.unlink()
