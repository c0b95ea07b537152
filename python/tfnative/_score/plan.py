# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is left to do of a file of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tfnative._score.job import Counts, JobFolder


class Unit(NamedTuple):
    """Consecutive parts that are not there; what one process makes in one go.

    Attributes:
        source: The number of the file.
        first: The number of the first part.
        parts: How many; None for all that come, where it is not known how many rows
            the file has.
    """

    source: int
    first: int
    parts: int | None

    def split(self, most: int) -> Sequence[Unit]:
        """The same in pieces, of so many parts, if it is known how many there are."""
        if self.parts is None:
            return [self]
        return [
            Unit(self.source, self.first + at, min(most, self.parts - at))
            for at in range(0, self.parts, most)
        ]


class Plan(NamedTuple):
    """What is there of a file, and what is not.

    Attributes:
        there: By number, the parts that are.
        units: The others.
    """

    there: Mapping[int, Counts]
    units: Sequence[Unit]


def plan(folder: JobFolder, source: int, rows: int | None, names: set[str]) -> Plan:
    """What is left to do.

    Args:
        folder: The job's.
        source: The number of the file.
        rows: That it has, if that is known.
        names: Of what is in the folder.
    """
    known = folder.done(source)
    if known is not None:
        return Plan(dict(enumerate(known)), [])
    most = folder.rows_per_part
    if rows is None:
        there = 0
        while folder.name(source, there) in names:
            there += 1
        # The last may be shorter, or there may be more: it is made again.
        whole = range(max(0, there - 1))
        return Plan(
            {part: folder.counts(source, part, most) for part in whole},
            [Unit(source, len(whole), None)],
        )
    found: dict[int, Counts] = {}
    units: list[Unit] = []
    for part in range(max(1, -(-rows // most))):
        if folder.name(source, part) in names:
            size = min(most, rows - part * most)
            found[part] = folder.counts(source, part, size)
        elif units and part == units[-1].first + (units[-1].parts or 0):
            units[-1] = units[-1]._replace(parts=part + 1 - units[-1].first)
        else:
            units.append(Unit(source, part, 1))
    return Plan(found, units)
