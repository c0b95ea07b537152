# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is done of a job, and what is left."""

from __future__ import annotations

from collections.abc import Sequence

from tfnative._score.job import Counts, JobFolder
from tfnative._score.plan import Unit, plan
from tfnative._score.progress import Shown
from tfnative._score.sources.source import Source


class Ledger:
    """Is told of parts that are done, and notes files of which all parts are there.

    It also shows how far the job is. Used by one thread at a time.

    Attributes:
        units: What was left in the beginning.
        shown: What is shown.
        parts_before: Parts that were there in the beginning.
    """

    def __init__(
        self, folder: JobFolder, sources: Sequence[Source], name: str, pieces: int
    ) -> None:
        """Looks what is there.

        Args:
            folder: The job's.
            sources: Its files.
            name: The model's.
            pieces: Into how many units at least the job is divided, if it has as many
                parts.
        """
        self._folder = folder
        names = set(folder.place.names())
        counts = [source.count() for source in sources]
        plans = [
            plan(folder, number, count, names) for number, count in enumerate(counts)
        ]
        self._parts = [dict(each.there) for each in plans]
        self.parts_before = sum(map(len, self._parts))
        left = sum(unit.parts or 1 for each in plans for unit in each.units)
        most = max(1, left // pieces)
        self.units = [
            piece for each in plans for unit in each.units for piece in unit.split(most)
        ]
        self._left = [
            {unit for unit in self.units if unit.source == number}
            for number in range(len(plans))
        ]
        known = [count for count in counts if count is not None]
        self.shown = Shown(name, sum(known) if len(known) == len(counts) else None)
        self.shown.skip(sum(part.rows + part.bad for part in self.parts))
        self._rows_of_units = 0
        for number, units in enumerate(self._left):
            if not units and folder.done(number) is None:
                self._finish(number)

    @property
    def parts(self) -> Sequence[Counts]:
        """All parts that are there."""
        return [part for parts in self._parts for part in parts.values()]

    def add(self, rows: int) -> None:
        """After some more rows of a unit that is not done."""
        self._rows_of_units += rows
        self.shown.add(rows)

    def done(self, unit: Unit, parts: Sequence[Counts]) -> None:
        """After a unit."""
        rows = sum(part.rows + part.bad for part in parts)
        self._rows_of_units -= rows
        if self._rows_of_units < 0:  # Whoever made it told nothing before.
            self.shown.add(-self._rows_of_units)
            self._rows_of_units = 0
        found = self._parts[unit.source]
        found.update((unit.first + i, part) for i, part in enumerate(parts))
        self._left[unit.source].discard(unit)
        if not self._left[unit.source]:
            self._finish(unit.source)

    def _finish(self, source: int) -> None:
        parts = self._parts[source]
        self._folder.finish_source(source, [parts[each] for each in sorted(parts)])
