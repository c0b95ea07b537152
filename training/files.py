# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files and folders that a user has named, and what two runs must not do to them.

All of a file is written, or what was there stays; one run at a time has a folder; and a
line that was not written whole is none.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from training.errors import TrainingError


@contextlib.contextmanager
def written(path: Path, option: str) -> Iterator[Path]:
    """Where to write a file, which gets its name when the block is done.

    Args:
        path: The file; folders above it are made.
        option: Of the command line, by which another one can be chosen.

    Yields:
        A file of the same folder and suffix.

    Raises:
        TrainingError: It cannot be written, or not in the format that its suffix names.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise TrainingError(
            f"{path} cannot be written ({reason}): choose another file with {option}"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def check_folder(folder: Path, option: str) -> None:
    """Refuses, before the work, a folder that cannot be made or written to after it.

    Nothing is made.

    Args:
        folder: It may be there, or not.
        option: Of the command line, by which another one can be chosen.

    Raises:
        TrainingError: It, or what it would be in, is no folder or cannot be written.
    """
    there = folder
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        reason = f"{there} is no folder"
    elif not os.access(there, os.W_OK | os.X_OK):
        reason = f"{there} is read-only"
    else:
        return
    raise TrainingError(
        f"{folder} cannot be written ({reason}): choose another folder with {option}"
    )


LOCK = ".in-use"
"""What a run has locked in a folder; it has the number of the process."""


@contextlib.contextmanager
def held(folder: Path, option: str) -> Iterator[None]:
    """Keeps other runs out of a folder during the block.

    A process that dies lets go of it, however it dies. Where a file system has no
    locks, nobody is kept out.

    Args:
        folder: Made, if it is not there.
        option: Of the command line, by which another one can be chosen.

    Raises:
        TrainingError: Another run has it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise TrainingError(
            f"{folder} cannot be written ({error.strerror}): choose another folder "
            f"with {option}"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise TrainingError(
                f"{folder} is used by another run (process {who}): wait until it ends, "
                f"or choose another folder with {option}"
            ) from None
        except OSError:
            pass  # Not every file system has locks.
        with contextlib.suppress(OSError):  # The disk is full, perhaps.
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def add_lines(path: Path, values: Iterable[Any]) -> None:
    """Adds a line of JSON for each value to a file.

    Whoever wrote to it before may have been killed in the middle of a line.
    """
    text = "".join(f"{json.dumps(value)}\n" for value in values)
    with path.open("ab") as file:
        if file.tell() and _last_byte(path) != b"\n":
            text = f"\n{text}"
        file.write(text.encode())


def read_lines(path: Path) -> list[Any]:
    """The values of a file that `add_lines` wrote, without lines that are not whole."""
    found = []
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
    return found


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
