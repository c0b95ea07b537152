# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Digests of files and folders, which remember what they read before.

A file whose size, times and place on the disk are those of the last time has the same
content: its digest is not computed again, so that large models cost as many system
calls as they have files.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tfnative._cache.folder import (
    cache_folder,
    check_cache,
    make_cache,
    write_atomically,
)
from tfnative.errors import Error, NotFoundError, PermissionDeniedError

# Times of files are only as fine as the file system's clock: what was changed as
# recently as this may change again without another time.
_RECENT_NANOS = 2_000_000_000
_BLOCK = 1 << 20

Known = dict[str, list[Any]]
"""By file: its stamp, then its digest."""


def folder_digest(folder: Path, accept: Callable[[str], bool] = lambda _: True) -> str:
    """SHA-256 over the names and contents of all files below a folder.

    Args:
        folder: The folder. Links are followed.
        accept: Which files count, by path relative to the folder.

    Raises:
        NotFoundError: A file cannot be read.
    """
    memory = _memory(folder)
    known = _recall(memory)
    now: Known = {}
    total = hashlib.sha256()
    newest_trusted = time.time_ns() - _RECENT_NANOS
    try:
        for name, path in sorted(_files(folder)):
            if not accept(name):
                continue
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                continue
            stamp = [*_stamp(status)]
            remembered = known.get(name)
            if remembered is not None and remembered[:-1] == stamp:
                digest = remembered[-1]
            else:
                digest = file_digest(path)
            if max(status.st_mtime_ns, status.st_ctime_ns) < newest_trusted:
                now[name] = [*stamp, digest]
            total.update(f"{name}\0{digest}\0".encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise NotFoundError(f"cannot read {folder}: {error}") from error
    if now != known:
        _remember(memory, folder, now)
    return total.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """All files below a folder, by relative path."""
    seen: set[tuple[int, int]] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(root)
        if (status.st_dev, status.st_ino) in seen:  # A link to a folder above.
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        for file in files:
            path = Path(root, file)
            yield path.relative_to(folder).as_posix(), path


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    # The time of the last change of the inode cannot be set by programs that restore
    # the time of the content.
    return (
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_dev,
    )


def _memory(folder: Path) -> Path | None:
    name = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:32]
    try:
        return cache_folder() / "digests" / f"{name}.json"
    except Error:
        return None


def _recall(memory: Path | None) -> Known:
    if memory is None:
        return {}
    try:
        check_cache(memory)
        files = json.loads(memory.read_text())["files"]
        if all(isinstance(entry, list) and entry for entry in files.values()):
            known: Known = files
            return known
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass  # Missing or damaged: everything is read again.
    except PermissionDeniedError:
        pass  # Whoever else can write it can lie.
    return {}


def _remember(memory: Path | None, folder: Path, known: Known) -> None:
    if memory is None:
        return
    try:
        make_cache(memory.parent.parent)
        memory.parent.mkdir(exist_ok=True)
        content = {"folder": os.path.realpath(folder), "files": known}
        write_atomically(memory, json.dumps(content))
    except (OSError, ValueError, PermissionDeniedError):
        pass  # Next time is slower.
