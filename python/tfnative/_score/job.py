# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a job is to do, and what is done of it, kept in its output folder.

The folder has parts, ``00000-00000.parquet``: the number of the input file, and that of
the part of it. Each has its name when it is whole, and so has the file of its bad rows
before it. Whatever reads such folders leaves out names that begin with "_".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tfnative._score.storage import Place
from tfnative.errors import FailedPreconditionError, InvalidArgumentError

RECORDS = "_tfnative"
"""The folder for what is known of a job."""

_RECORD = (RECORDS, "job.json")
_BAD = "_bad_rows"
_SUCCESS = "_SUCCESS"
_FORMAT = 1


class Counts(NamedTuple):
    """Rows of a part or more.

    Attributes:
        rows: That were scored.
        bad: That were not.
    """

    rows: int
    bad: int

    def plus(self, other: Counts) -> Counts:
        """Those of both."""
        return Counts(self.rows + other.rows, self.bad + other.bad)


class BadRecord(NamedTuple):
    """A row that was not scored.

    Attributes:
        row: Its number in its file, from 0.
        column: Which column stood in the way, or "".
        reason: What came, and what was expected.
        kept: Values of the columns that are passed on.
    """

    row: int
    column: str
    reason: str
    kept: Mapping[str, Any]


@dataclass(frozen=True)
class JobFolder:
    """The output of a job.

    Attributes:
        place: The folder.
        ending: Of the names of parts.
        rows_per_part: Of each but the last of a file.
    """

    place: Place
    ending: str
    rows_per_part: int

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Notes what the job is, or checks that it is the one that was begun.

        Raises:
            FailedPreconditionError: There are parts of another job.
        """
        record = self.place.child(*_RECORD)
        wanted = json.loads(json.dumps({"format": _FORMAT, **settings}))
        for folder in (self.place, *map(self.place.child, (RECORDS, _BAD))):
            folder.remove_leftovers()
        if not record.exists():
            content = json.dumps(wanted, indent=2).encode()
            record.write(lambda file: file.write(content))
            return
        try:
            known = json.loads(record.read())
        except ValueError:
            known = {}
        other = [
            key
            for key in {**wanted, **(known if isinstance(known, dict) else {})}
            if not isinstance(known, dict) or known.get(key) != wanted.get(key)
        ]
        if other:
            raise FailedPreconditionError(
                f"{self.place} has parts of another job, with another "
                f"{_listed(other)}: give another folder, or remove this one"
            )

    def check(self) -> None:
        """Before anything is written.

        Raises:
            FailedPreconditionError: There is something else than a job.
        """
        # Where nothing was begun, there is a lock at most.
        others = [each for each in self.place.names() if each != RECORDS]
        if others and not self.place.child(*_RECORD).exists():
            raise FailedPreconditionError(
                f"{self.place} has other files in it, as {others[0]}: give a folder "
                "that is empty or not there"
            )

    def done(self, source: int) -> Sequence[Counts] | None:
        """The parts of an input file, if all of them are there."""
        record = self.place.child(RECORDS, f"{source:05d}.json")
        if not record.exists():
            return None
        return [Counts(*each) for each in json.loads(record.read())]

    def counts(self, source: int, number: int, rows: int) -> Counts:
        """Those of a part that is there, of so many rows of its file."""
        record = self.place.child(_BAD, self._bad_name(source, number))
        bad = record.read().count(b"\n") if record.exists() else 0
        return Counts(rows - bad, bad)

    def name(self, source: int, number: int) -> str:
        """What a part is called when it is whole."""
        return f"{source:05d}-{number:05d}.{self.ending}"

    def part(self, source: int, number: int) -> Place:
        """Where a part goes."""
        return self.place.child(self.name(source, number))

    def write_bad(
        self, source: int, number: int, file: str, rows: Sequence[BadRecord]
    ) -> None:
        """Writes the bad rows of a part, a JSON object on each line."""
        place = self.place.child(_BAD, self._bad_name(source, number))
        if not rows and not place.exists():
            return
        lines = [
            json.dumps(
                {
                    "file": file,
                    "row": each.row,
                    "column": each.column or None,
                    "reason": each.reason,
                    "kept": dict(each.kept),
                },
                default=_shown,
            )
            + "\n"
            for each in rows
        ]
        content = "".join(lines).encode()
        place.write(lambda out: out.write(content))

    def finish_source(self, source: int, parts: Sequence[Counts]) -> None:
        """Notes that all parts of an input file are there."""
        content = json.dumps(parts).encode()
        record = self.place.child(RECORDS, f"{source:05d}.json")
        record.write(lambda file: file.write(content))

    def finish(self, report: Mapping[str, Any]) -> None:
        """Notes that all is done."""
        content = (json.dumps(report, indent=2) + "\n").encode()
        self.place.child(_SUCCESS).write(lambda file: file.write(content))

    def _bad_name(self, source: int, number: int) -> str:
        return f"{source:05d}-{number:05d}.jsonl"


def input_records(files: Sequence[Place]) -> list[dict[str, str]]:
    """What tells input files from others of the same names.

    Raises:
        InvalidArgumentError: One cannot be looked at.
    """
    try:
        return [{"file": str(each), "stamp": each.stamp()} for each in files]
    except OSError as error:
        raise InvalidArgumentError(f"cannot read an input: {error}") from None


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(key.replace("_", " ") for key in keys)


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return str(value)
