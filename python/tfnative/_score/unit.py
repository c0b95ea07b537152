# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads, predicts and writes at once, part by part, on this machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfnative._score.examples import ExampleScorer
from tfnative._score.job import BadRecord, Counts, JobFolder
from tfnative._score.part_files import WRITERS
from tfnative._score.pipeline import ahead
from tfnative._score.plan import Unit
from tfnative._score.sources.source import Batch, Source
from tfnative._score.sources.tfrecord import TfrecordSource
from tfnative._tables.arrow import pyarrow
from tfnative._tables.scorer import Columned, Scorer
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._model import Model
    from tfnative._signature import Signature

_BATCH_BYTES = 8 << 20
_MOST_ROWS = 8192


@dataclass(frozen=True)
class Work:
    """A job, with its model loaded.

    Attributes:
        model: Predicts.
        columned: What is made of the columns.
        folder: Where parts go.
        skips: Whether bad rows are left out; else the first ends the job.
    """

    model: Model
    columned: Columned
    folder: JobFolder
    skips: bool


class _Scored(NamedTuple):
    taken: int
    """Rows of the file."""
    batch: Any
    bad: Sequence[BadRecord]


def scorer_of(work: Work, source: Source) -> Scorer:
    """What scores a file.

    Raises:
        InvalidArgumentError: Its columns do not fit the model.
    """
    kind = ExampleScorer if isinstance(source, TfrecordSource) else Scorer
    try:
        return kind(work.model, source.schema(), work.columned, text=source.is_text)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{source.place}: {error}") from None


def score_unit(
    work: Work, unit: Unit, source: Source, add: Callable[[int], None] | None = None
) -> Sequence[Counts]:
    """Makes consecutive parts of a file; gives what is in each.

    Args:
        work: The job.
        unit: The parts.
        source: Their file.
        add: Called with the number of rows of each batch.
    """
    most = work.folder.rows_per_part
    skip = unit.first * most
    end = None if unit.parts is None else unit.parts * most
    scorer = scorer_of(work, source)
    rows = _batch_rows(work.model.signature(work.columned.signature))
    read = _aligned(source.batches(scorer.needs(), rows, skip), most, end)
    parts: list[Counts] = []
    with closing(ahead(_score(work, scorer, source, ahead(read), skip))) as scored:
        first = next(scored, None)
        while first is not None or not parts:
            number = (unit.source, unit.first + len(parts))
            counts, first = _write_part(
                work, scorer, source, number, first, scored, add
            )
            parts.append(counts)
    return parts


def _aligned(
    batches: Iterator[Batch], rows_per_part: int, end: int | None
) -> Iterator[Batch]:
    """Batches of which none is in two parts, up to a row."""
    at = 0
    for batch in batches:
        begin, size = 0, batch.rows.num_rows
        while begin < size and at != end:
            stop = min(size, begin + rows_per_part - at % rows_per_part)
            yield batch.part(begin, stop)
            at += stop - begin
            begin = stop
        if at == end:
            break


def _score(
    work: Work, scorer: Scorer, source: Source, batches: Iterator[Batch], at: int
) -> Iterator[_Scored]:
    for batch in batches:
        rows = batch.rows
        places = np.setdiff1d(np.arange(rows.num_rows), list(batch.unread))
        if batch.unread:
            rows = rows.take(pyarrow().array(places))
        found = scorer.score(rows)
        why = {row: ("", reason) for row, reason in batch.unread.items()}
        why.update((int(places[b.row]), (b.column, b.reason)) for b in found.bad)
        bad = []
        for row, (column, reason) in sorted(why.items()):
            if not work.skips:
                raise InvalidArgumentError(
                    f"{source.place}: row {at + row}: {reason}. To leave out such "
                    "rows, and list them: --on-error skip"
                )
            kept = batch.rows.slice(row, 1).select(list(work.columned.keep)).to_pylist()
            bad.append(BadRecord(at + row, column, reason, kept[0] if kept else {}))
        yield _Scored(batch.rows.num_rows, found.batch, bad)
        at += batch.rows.num_rows


def _write_part(
    work: Work,
    scorer: Scorer,
    source: Source,
    number: tuple[int, int],
    first: _Scored | None,
    more: Iterator[_Scored],
    add: Callable[[int], None] | None,
) -> tuple[Counts, _Scored | None]:
    """Writes a part; also gives what was read of the next one."""
    following: _Scored | None = None
    counts = Counts(0, 0)

    def write(file: IO[bytes]) -> None:
        nonlocal following, counts
        writer = WRITERS[work.folder.ending](file, scorer.schema)
        bad: list[BadRecord] = []
        scored, taken = first, 0
        with closing(writer):
            while scored is not None:
                writer.write(scored.batch)
                bad += scored.bad
                taken += scored.taken
                counts = Counts(taken - len(bad), len(bad))
                if add is not None:
                    add(scored.taken)
                scored = next(more, None)
                if taken == work.folder.rows_per_part:
                    break
        following = scored
        work.folder.write_bad(*number, str(source.place), bad)

    work.folder.part(*number).write(write)
    return counts, following


def _batch_rows(signature: Signature) -> int:
    """Rows of a call: some megabytes, and whole batches as they were compiled."""
    row_bytes = sum(
        spec.dtype.itemsize * math.prod((spec.shape or (-1,))[1:])
        for spec in (*signature.inputs.values(), *signature.outputs.values())
    )
    rows = max(1, min(_MOST_ROWS, _BATCH_BYTES // max(1, row_bytes)))
    largest = max(signature.batch_sizes, default=1)
    return max(largest, rows // largest * largest)
