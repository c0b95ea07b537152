# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a data set as sharded TFRecords of tf.Example, with ``data.json``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import numpy as np

from training.data import index, remote
from training.data.folders import new_folder
from training.data.records import examples, write_shard
from training.data.spec import Arrays, Source
from training.data.values import check_source

PARTS = {"train": "train", "held_out": "heldout"}
"""How files of each part begin, by the name in ``data.json``."""

PartWriter: TypeAlias = Callable[
    [Source, Arrays, str, str, int], tuple[index.Shard, ...]
]
"""Writes rows into a folder or an address; see `write_part`."""


def write(
    name: str,
    source: Source,
    folder: str | Path,
    *,
    shards: int,
    replace: bool = False,
    writer: PartWriter | None = None,
) -> None:
    """Writes all rows, into a new folder that is there completely or not at all.

    At an address, as ``s3://bucket/digits``, ``data.json`` is what makes it complete:
    it is removed first, and written last.

    Args:
        name: Of the data set.
        source: Its rows.
        folder: Where to; a path, or an address that fsspec knows.
        shards: Files of the rows to train on; rows go round them in turn.
        replace: Whether to replace a complete folder; if not, it stays.
        writer: Who writes the rows; this process by default.

    Raises:
        DataError: The files cannot be written, or `check_source` refuses the rows.
    """
    check_source(name, source)
    writer = writer or write_part
    if remote.is_remote(str(folder)):
        target = remote.Target(str(folder))
        if target.begin(name, replace=replace):
            target.finish(_write(name, source, str(folder), shards, writer))
        return
    with new_folder(Path(folder), replace=replace) as temporary:
        found = _write(name, source, str(temporary), shards, writer)
        (temporary / index.FILE).write_text(found.to_json())


def _write(
    name: str, source: Source, folder: str, shards: int, writer: PartWriter
) -> index.Index:
    return index.Index(
        *(name, source.task, source.features, source.labels),
        train=writer(source, source.train, folder, "train", shards),
        held_out=writer(source, source.held_out, folder, "held_out", 1),
        scale=_scale(source),
        assets=source.assets,
    )


def _scale(source: Source) -> tuple[float, float]:
    if source.task == "classify":
        return 0.0, 1.0
    values = np.asarray(source.train.labels, np.float64)
    return float(values.mean()), float(values.std()) or 1.0


def write_part(
    source: Source, rows: Arrays, folder: str, part: str, shards: int
) -> tuple[index.Shard, ...]:
    """Writes some rows as ``PART-00000-of-0000N.tfrecord`` and so on.

    Args:
        source: What the rows are of.
        rows: To write.
        folder: A path or an address.
        part: One of `PARTS`.
        shards: How many files, if there are as many rows.
    """
    shards = shard_count(rows, shards)
    written = []
    for shard in range(shards):
        numbers = range(shard, rows.rows, shards)
        records = examples(source.features, source.task, rows, numbers)
        file = shard_name(part, shard, shards)
        written.append(put_shard(folder, file, records))
    return tuple(written)


def put_shard(folder: str, file: str, records: Iterable[bytes]) -> index.Shard:
    """Writes a file of a path or an address, as a whole or not at all.

    Raises:
        OSError: It cannot be written; nothing of it is left.
        DataError: An address cannot be written to.
    """
    if remote.is_remote(folder):
        return remote.Target(folder).put(file, records)
    return write_shard(Path(folder) / file, records)


def shard_count(rows: Arrays, shards: int) -> int:
    """Not more than there are rows: no file is empty."""
    return max(1, min(shards, rows.rows))


def shard_name(part: str, shard: int, shards: int) -> str:
    """The file of a shard."""
    return f"{PARTS[part]}-{shard:05}-of-{shards:05}.tfrecord"
