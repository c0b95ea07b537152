# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A process that wants an entry of a cache, and makes it if need be.

    python maker.py CACHE KEY SECONDS

Making takes SECONDS, and adds a line to CACHE/made. Prints what the entry holds.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tfnative._cache.entry import Entry, describe_library
from tfnative._cache.store import Store
from tfnative.errors import NotFoundError


def entry_of(folder: Path, content: str) -> Entry:
    """Writes a library, and returns the entry with it."""
    (folder / "artifact").mkdir()
    (folder / "artifact" / "libx.so").write_text(content)
    return Entry(
        key="",
        source="model",
        options={},
        versions={},
        created=0,
        seconds=0,
        library=describe_library(folder),
    )


def content_of(entry: Entry) -> str:
    """What ``entry_of`` wrote."""
    try:
        return (entry.artifact / "libx.so").read_text()
    except FileNotFoundError as error:  # Cleared meanwhile, as a library may be.
        raise NotFoundError(str(error)) from error


def main() -> None:
    folder, key, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])

    def make(temporary: Path) -> Entry:
        with (folder / "made").open("a") as log:
            log.write(f"{key} {os.getpid()}\n")
        print("making", flush=True)
        time.sleep(seconds)
        return entry_of(temporary, f"content of {key}")

    def waiting() -> None:
        print("waiting", flush=True)

    print(Store(folder).obtain(key, make, content_of, waiting), flush=True)


if __name__ == "__main__":
    main()
