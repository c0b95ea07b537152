# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files here, and those that fsspec reaches."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any

from tfnative._base.file_errors import describe
from tfnative._base.output_file import write_whole
from tfnative.errors import InvalidArgumentError, NotFoundError, UnimplementedError

_LEFTOVER = re.compile(r"\.(\d{5}(-\d{5})?\.\w+|job\.json|_SUCCESS)-\w{8}")
"""A file of a job before it has its name: see ``write_whole``."""

Write = Callable[[IO[bytes]], object]


@dataclass(frozen=True)
class Place:
    """A file or folder.

    Attributes:
        path: As its file system has it.
        url: As the user has it.
        remote: fsspec's file system; None for this machine's.
    """

    path: str
    url: str
    remote: Any = None

    def __str__(self) -> str:
        return self.url

    def child(self, *names: str) -> Place:
        """What is in it."""
        tail = "/".join(names)
        return Place(
            f"{self.path.rstrip('/')}/{tail}",
            f"{self.url.rstrip('/')}/{tail}",
            self.remote,
        )

    def open(self) -> IO[bytes]:
        """The file, to read and to seek in.

        Raises:
            NotFoundError: There is none.
            InvalidArgumentError: It cannot be read.
        """
        try:
            if self.remote is not None:
                opened: IO[bytes] = self.remote.open(self.path, "rb")
                return opened
            from tfnative._base.regular_file import open_regular

            return open_regular(self.path)
        except FileNotFoundError:
            raise NotFoundError(f"there is no file {self}") from None
        except OSError as error:
            raise InvalidArgumentError(
                f"cannot read {self}: {describe(error)}"
            ) from None

    def size(self) -> int:
        """Bytes of a file."""
        if self.remote is not None:
            return int(self.remote.size(self.path))
        return os.path.getsize(self.path)

    def stamp(self) -> str:
        """What changes when a file is written again."""
        if self.remote is not None:
            known = self.remote.info(self.path)
            return str(known.get("ETag") or known.get("LastModified") or known["size"])
        found = os.stat(self.path)
        return f"{found.st_size} {found.st_mtime_ns}"

    def exists(self) -> bool:
        """Whether a file or folder is there."""
        if self.remote is not None:
            return bool(self.remote.exists(self.path))
        return os.path.exists(self.path)

    def names(self) -> Sequence[str]:
        """What is in a folder, if there is one."""
        if self.remote is None:
            return sorted(os.listdir(self.path)) if os.path.isdir(self.path) else []
        self.remote.invalidate_cache()
        if not self.remote.exists(self.path):
            return []
        found = self.remote.ls(self.path, detail=False)
        return sorted(each.rstrip("/").rpartition("/")[2] for each in found)

    def remove_leftovers(self) -> None:
        """Removes from a folder what processes left that were killed as they wrote."""
        for name in [] if self.remote is not None else self.names():
            if _LEFTOVER.fullmatch(name):
                os.unlink(os.path.join(self.path, name))

    def read(self) -> bytes:
        """All of a file."""
        with self.open() as file:
            return file.read()

    def write(self, write: Write) -> None:
        """Writes a file as a whole or not at all.

        Raises:
            InvalidArgumentError: It cannot be written.
        """
        try:
            if self.remote is not None:
                self._write_remote(write)
            else:
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
                write_whole(self.path, write)
        except OSError as error:
            raise InvalidArgumentError(
                f"cannot write {self}: {describe(error)}"
            ) from error

    def _write_remote(self, write: Write) -> None:
        """What is sent has its name when all of it is there."""
        content = io.BytesIO()
        write(content)
        self.remote.makedirs(self.path.rpartition("/")[0], exist_ok=True)
        self.remote.pipe_file(self.path, content.getvalue())


def place(url: str) -> Place:
    """The place that a path or URL names.

    Raises:
        InvalidArgumentError: No file system is known for the URL.
        UnimplementedError: The package that it needs is not installed.
    """
    if "://" not in url:
        return Place(os.path.abspath(url), url)
    try:
        import fsspec
    except ImportError:
        raise UnimplementedError(
            f"{url} needs fsspec: pip install 'tfnative[score]'"
        ) from None
    try:
        remote, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise UnimplementedError(f"{url}: {error}") from None
    except ValueError as error:
        raise InvalidArgumentError(f"{url}: {error}") from None
    return Place(path, url, remote)


def find(patterns: Sequence[str]) -> list[Place]:
    """The files that paths, URLs and wildcards name, each once, in order.

    Raises:
        NotFoundError: One names none.
    """
    found: dict[str, Place] = {}
    for pattern in patterns:
        files = _matching(place(pattern), pattern)
        if not files:
            raise NotFoundError(f"no file is named by {pattern!r}")
        found.update((each.url, each) for each in files)
    return list(found.values())


def _matching(asked: Place, pattern: str) -> list[Place]:
    if asked.remote is not None:
        protocol = pattern.partition("://")[0]
        paths = sorted(asked.remote.glob(asked.path))
        return [
            Place(path, f"{protocol}://{path.lstrip('/')}", asked.remote)
            for path in paths
            if not asked.remote.isdir(path)
        ]
    import glob

    if os.path.exists(pattern):  # A name may have brackets in it.
        paths = [pattern]
    else:
        paths = sorted(glob.glob(pattern, recursive=True))
    if os.path.isdir(pattern):
        raise InvalidArgumentError(
            f"{pattern} is a folder: name the files in it, as in "
            f"'{pattern.rstrip('/')}/*.parquet'"
        )
    return [
        Place(os.path.abspath(path), path) for path in paths if os.path.isfile(path)
    ]
