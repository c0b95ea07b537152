# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A data set that is written, and read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data import read
from training.data.check import Damage, bad_shards
from training.data.index import Index, Shard, again
from training.data.spec import FeatureSpec
from training.errors import DataError


@dataclass(frozen=True)
class Data:
    """A folder of TFRecords.

    Immutable; threads may share it. Paths are of this machine: what came from
    elsewhere was copied here.

    Attributes:
        folder: Where the files are.
        index: What ``data.json`` says.
        reading: How `train` reads.
    """

    folder: Path
    index: Index
    reading: read.Reading = field(default_factory=read.Reading)

    @property
    def name(self) -> str:
        """Of the data set."""
        return self.index.name

    @property
    def task(self) -> str:
        """``classify`` or ``regress``."""
        return self.index.task

    @property
    def features(self) -> Mapping[str, FeatureSpec]:
        """Inputs of a model, by name."""
        return self.index.features

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes; empty for ``regress``."""
        return self.index.labels

    @property
    def train_rows(self) -> int:
        """Rows to train on."""
        return sum(shard.rows for shard in self.index.train)

    def reading_with(self, **changes: Any) -> Data:
        """The same data, read in another way; keywords are fields of `Reading`."""
        return replace(self, reading=replace(self.reading, **changes))

    def train(
        self,
        batch_size: int,
        *,
        seed: int = 7,
        shard: tuple[int, int] = (0, 1),
        repeat: bool = True,
        first_step: int = 0,
    ) -> Any:
        """Batches to train on.

        Args:
            batch_size: Rows of a batch.
            seed: Decides the order, which is another one in each epoch.
            shard: (index, count): the part of one of ``count`` workers, who all have
                the same seed. Each has files of its own, if all have as many; else
                each reads all files, and takes every ``count``-th batch. So in an
                epoch of all workers together, each row is read once.
            repeat: Whether to go on for ever, with whole batches; if not, once
                through, and the last batch may be smaller.
            first_step: Batches that each worker has read before this run.

        Returns:
            A ``tf.data.Dataset`` of ``({name: (batch, ...)}, (batch,))``.
        """
        position, count = shard
        shards = self.index.train
        turn = shard
        if len(shards) % count == 0:
            shards, turn = shards[position::count], (0, 1)
        return read.batches(
            tuple(str(self.folder / each.file) for each in shards),
            self.features,
            self.task,
            batch_size=batch_size,
            rows=sum(each.rows for each in shards),
            seed=seed,
            first_step=first_step,
            repeat=repeat,
            turn=turn,
            reading=self.reading,
        )

    def held_out(self) -> tuple[dict[str, NDArray[Any]], NDArray[Any]]:
        """Rows that training never sees: features by name, (rows, ...), and labels.

        Raises:
            DataError: A file was damaged since the data was checked.
        """
        import tensorflow as tf

        paths = [str(self.folder / shard.file) for shard in self.index.held_out]
        try:
            records = list(tf.data.TFRecordDataset(paths).as_numpy_iterator())
        except tf.errors.OpError as error:
            self.checked()  # Names the file.
            raise DataError(
                f"{self.folder} cannot be read ({error.message})"
            ) from error
        features, labels = read.parse_batch(records, self.features, self.task)
        return {name: rows.numpy() for name, rows in features.items()}, np.asarray(
            labels
        )

    def checked(self) -> tuple[Data, tuple[Damage, ...]]:
        """The data without its damaged shards, and what was wrong with them.

        Raises:
            DataError: A shard is damaged, and ``reading.skip_corrupt`` is false; or
                none is left to train on.
        """
        command = again(self.name, self.folder)
        damages = bad_shards(self.folder, self.index.train)
        held_out = bad_shards(self.folder, self.index.held_out)
        if held_out:
            raise DataError(held_out[0].message(command, skippable=False))
        if damages and not self.reading.skip_corrupt:
            raise DataError(damages[0].message(command))
        bad = {damage.file for damage in damages}
        kept: tuple[Shard, ...] = tuple(
            shard for shard in self.index.train if shard.file not in bad
        )
        if not kept:
            raise DataError(
                f"all {len(bad)} shards of {self.folder} are damaged: write the data "
                f"again: {command}"
            )
        return replace(self, index=replace(self.index, train=kept)), damages
