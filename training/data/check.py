# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds shards that are missing, cut off, or changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfnative import InvalidArgumentError
from tfnative._base.tfrecord import read_records
from training.data.index import Shard
from training.data.records import sha256_of


@dataclass(frozen=True)
class Damage:
    """What is wrong with a file.

    Attributes:
        path: The file.
        file: Its name.
        reason: What came, and what was expected.
    """

    path: Path
    file: str
    reason: str

    def message(self, command: str, *, skippable: bool = True) -> str:
        """One line for a person, with the command that writes the data again.

        Only rows to train on may be left out.
        """
        skip = ", or leave such files out with --skip-corrupt" if skippable else ""
        return (
            f"{self.path} is damaged: {self.reason}. Write the data again with "
            f"{command}{skip}"
        )


def bad_shards(folder: Path, shards: tuple[Shard, ...]) -> tuple[Damage, ...]:
    """Reads all files once, and gives those that are not as they were written.

    Their digests are compared: a file may be whole, but of other data.
    """
    found = []
    for shard in shards:
        reason = _reason(folder / shard.file, shard)
        if reason:
            found.append(Damage(folder / shard.file, shard.file, reason))
    return tuple(found)


def _reason(path: Path, shard: Shard) -> str | None:
    try:
        if not path.is_file():
            return "it is missing"
        size = path.stat().st_size
        if size != shard.bytes:
            return f"it has {size:,} bytes, not {shard.bytes:,}"
        if sha256_of(path) == shard.sha256:
            return None
        return _bad_record(path) or "it has other rows than were written"
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"


def _bad_record(path: Path) -> str | None:
    """Says where TFRecord's own checksums are wrong, of each length and each row."""
    try:
        for _ in read_records(path):
            pass
    except InvalidArgumentError as error:
        return "a checksum is wrong" + str(error).removeprefix(str(path))
    return None
