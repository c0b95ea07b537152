# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds shards that are missing, cut off, or changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.data.index import Shard


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

    def message(self, name: str, *, skippable: bool = True) -> str:
        """One line for a person; only rows to train on may be left out."""
        skip = ", or leave such files out with --skip-corrupt" if skippable else ""
        return (
            f"{self.path} is damaged: {self.reason}. Write the data again with python "
            f"-m training data {name} --force{skip}"
        )


def bad_shards(folder: Path, shards: tuple[Shard, ...]) -> tuple[Damage, ...]:
    """Reads all files once, and gives those that are not as they were written.

    TFRecords have a checksum for each length and each row, which TensorFlow compares.
    """
    found = []
    for shard in shards:
        reason = _reason(folder / shard.file, shard)
        if reason:
            found.append(Damage(folder / shard.file, shard.file, reason))
    return tuple(found)


def _reason(path: Path, shard: Shard) -> str | None:
    if not path.is_file():
        return "it is missing"
    size = path.stat().st_size
    if size != shard.bytes:
        return f"it has {size:,} bytes, not {shard.bytes:,}"
    return _bad_record(path, shard)


def _bad_record(path: Path, shard: Shard) -> str | None:
    import tensorflow as tf

    rows = 0
    try:
        # Counted in C++: it takes 0.2 s for a million small rows.
        counted = tf.data.TFRecordDataset(str(path)).reduce(
            tf.constant(0, tf.int64), lambda count, _: count + 1
        )
        rows = int(counted)
    except tf.errors.DataLossError as error:
        return f"a checksum is wrong ({error.message.split(';')[0].split(' [')[0]})"
    if rows != shard.rows:
        return f"it has {rows} rows, not {shard.rows}"
    return None
