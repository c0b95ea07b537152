# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What every process of a job has to know: what the job is, but not the model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tfnative._score.job import Counts, JobFolder
from tfnative._score.plan import Unit
from tfnative._score.sources.source import Source
from tfnative._score.unit import Work, score_unit
from tfnative._shipping.loaded import loaded
from tfnative._tables.scorer import Columned

if TYPE_CHECKING:
    from tfnative._backends.options import LoadOptions


class Watch(Protocol):
    """Is told how far a job is, where it was started, by one thread at a time."""

    def add(self, rows: int) -> None:
        """After some more rows, of parts that are not done."""

    def done(self, unit: Unit, parts: Sequence[Counts]) -> None:
        """After some parts."""


@dataclass(frozen=True)
class Task:
    """A job. Can be pickled, for processes on machines that see the same files.

    Attributes:
        sources: The files of rows.
        columned: What is made of the columns.
        folder: Where parts go.
        skips: Whether bad rows are left out; else the first ends the job.
        options: How processes load the model.
    """

    sources: Sequence[Source]
    columned: Columned
    folder: JobFolder
    skips: bool
    options: LoadOptions

    def run(self, unit: Unit, model: str | os.PathLike[str]) -> Sequence[Counts]:
        """Makes some parts; gives what is in each.

        The model is loaded once by each process.

        Raises:
            Error: A row, a file or the model does not fit.
        """
        work = Work(loaded(model, self.options), self.columned, self.folder, self.skips)
        return score_unit(work, unit, self.sources[unit.source])
