# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the processes of one run of the tests agree on: who runs, who makes what.

Locks of files, which end with the process that has them, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Once = Callable[[str, Callable[[Path], Path]], Path]
"""Makes something by its key, in a new folder, and returns its path."""


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Waits for a lock, and has it for the block."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Waits until a test may run, and keeps those from running that must not.

    Args:
        folder: Of the run, shared by its processes.
        alone: Whether no other test may run at the same time.
    """
    descriptor = os.open(folder / "tests.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Who waits to be alone has the gate, so that no other test begins before.
        with locked(folder / "gate.lock"):
            fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def made_once(folder: Path) -> Once:
    """Makes each thing at most once for all processes that share a folder.

    What raises is not kept: whoever asks next tries again.
    """

    def make(key: str, maker: Callable[[Path], Path]) -> Path:
        place, note = folder / key, folder / f"{key}.path"
        place.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder / f"{key}.lock"):
            if not note.exists():
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                note.write_text(str(maker(place)))
        return Path(note.read_text())

    return make
