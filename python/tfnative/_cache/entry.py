# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the cache knows of a model: that it was compiled, or why it cannot be."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfnative._cache.digest import file_digest
from tfnative._cache.folder import write_atomically
from tfnative.errors import LoadError

FORMAT = 1
ENTRY = "entry.json"
USED = "used"
ARTIFACT = "artifact"


@dataclass(frozen=True)
class Refusal:
    """Why a model was not compiled.

    Attributes:
        reason: What the compiler said.
        ops: The ops that stood in the way, sorted; empty if it was something else.
        until: When to try again, in seconds since 1970, or None: the same model
            cannot be compiled with these versions.
    """

    reason: str
    ops: tuple[str, ...] = ()
    until: float | None = None


@dataclass(frozen=True)
class Library:
    """The compiled library, to notice when it is no longer what was written.

    Attributes:
        name: File below the entry's folder.
        size: In bytes.
        mtime_ns: When it was written.
        sha256: Digest of its content.
    """

    name: str
    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """A model in the cache.

    Attributes:
        key: Digest of everything that it depends on; its folder's name.
        source: Path of the model that it was made from.
        options: What it was compiled with.
        versions: Of the programs that compiled it.
        created: When, in seconds since 1970.
        seconds: How long it took.
        signatures: All signatures of the model, compiled or not.
        library: The library; None if it was refused.
        refusal: Why there is none; None if there is one.
        folder: Where the entry is. Not part of what is written.
    """

    key: str
    source: str
    options: Mapping[str, Any]
    versions: Mapping[str, str]
    created: float
    seconds: float
    signatures: tuple[str, ...] = ()
    library: Library | None = None
    refusal: Refusal | None = None
    folder: Path = field(default=Path(), compare=False)

    @property
    def artifact(self) -> Path:
        """The folder of the compiled model."""
        return self.folder / ARTIFACT

    @property
    def last_used(self) -> float:
        """When it was last loaded, in seconds since 1970."""
        try:
            return (self.folder / USED).stat().st_mtime
        except OSError:
            return self.created

    @property
    def bytes(self) -> int:
        """The space that it takes."""
        return folder_bytes(self.folder)

    @property
    def expired(self) -> bool:
        """Whether it is a refusal that is no longer believed."""
        until = self.refusal.until if self.refusal else None
        return until is not None and until < time.time()

    def touch(self) -> None:
        """Notes that it was used just now, where that can be noted."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / USED)

    def check(self) -> None:
        """Checks that the library is the one that was written.

        Raises:
            LoadError: It is not.
        """
        if self.library is None:
            return
        path = self.folder / self.library.name
        try:
            status = path.stat()
            if (status.st_size, status.st_mtime_ns) == (
                self.library.size,
                self.library.mtime_ns,
            ):
                return
            damaged = file_digest(path) != self.library.sha256
        except OSError as error:
            raise LoadError(f"{path} cannot be read: {error}") from error
        if damaged:
            raise LoadError(f"{path} is damaged: its checksum is not the recorded one")
        self._restamp(status)

    def _restamp(self, status: os.stat_result) -> None:
        """Spares the next load from reading the library, as after a copy."""
        assert self.library is not None
        stamped = dataclasses.replace(self.library, mtime_ns=status.st_mtime_ns)
        with contextlib.suppress(OSError):
            dataclasses.replace(self, library=stamped).write(self.folder)

    def write(self, folder: Path) -> None:
        """Writes it to its folder."""
        content = {"format": FORMAT, **dataclasses.asdict(self)}
        del content["folder"]
        write_atomically(folder / ENTRY, json.dumps(content, indent=2) + "\n")
        if not (folder / USED).exists():
            (folder / USED).touch()

    @staticmethod
    def read(folder: Path) -> Entry | None:
        """Reads it from its folder; None if there is none, or it is damaged."""
        try:
            content = json.loads((folder / ENTRY).read_text())
            if content.pop("format") != FORMAT or content["key"] != folder.name:
                return None
            return _entry(content, folder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        except RecursionError:
            return None


def describe_library(folder: Path) -> Library:
    """What there is to know of the library of an artifact below an entry's folder."""
    (path,) = (folder / ARTIFACT).glob("lib*.so")
    status = path.stat()
    return Library(
        name=path.relative_to(folder).as_posix(),
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        sha256=file_digest(path),
    )


def folder_bytes(folder: Path) -> int:
    """The size of all files below a folder; of those that are there to be counted."""
    total = 0
    for root, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(root, file)).st_size
    return total


def _entry(content: dict[str, Any], folder: Path) -> Entry:
    library, refusal = content.pop("library"), content.pop("refusal")
    entry = Entry(
        key=str(content["key"]),
        source=str(content["source"]),
        options=dict(content["options"]),
        versions=dict(content["versions"]),
        created=float(content["created"]),
        seconds=float(content["seconds"]),
        signatures=tuple(map(str, content["signatures"])),
        library=Library(**library) if library else None,
        refusal=Refusal(**{**refusal, "ops": tuple(refusal["ops"])})
        if refusal
        else None,
        folder=folder,
    )
    if (entry.library is None) == (entry.refusal is None):
        raise ValueError("neither compiled nor refused")
    return entry
