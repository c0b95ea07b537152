# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Scores files of rows with a model: what is to do, who does it, and what was done."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tfnative._backends.load import load
from tfnative._backends.options import LoadOptions
from tfnative._cache.lock import try_exclusive
from tfnative._score.engines.engine import ENGINES, EngineName, engine_of
from tfnative._score.job import RECORDS, JobFolder, input_records
from tfnative._score.ledger import Ledger
from tfnative._score.part_files import WRITERS
from tfnative._score.sources.find import FORMATS, source_of
from tfnative._score.storage import Place, find, place
from tfnative._score.task import Task
from tfnative._score.unit import Work, scorer_of
from tfnative._tables.arrow import pyarrow
from tfnative._tables.scorer import Columned
from tfnative.errors import FailedPreconditionError, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfnative._tables.feeds import Columns

ROWS_PER_PART = 1_000_000


@dataclass(frozen=True)
class Scored:
    """What a job made.

    Attributes:
        output: The folder.
        files: Input files.
        parts: Files with rows.
        rows: That were scored, in all runs of the job.
        bad_rows: That were left out.
        parts_before: Of the parts, those of runs before this one.
        seconds: That this run took.
        rows_per_second: Of this run, once the model was loaded.
    """

    output: str
    files: int
    parts: int
    rows: int
    bad_rows: int
    parts_before: int
    seconds: float
    rows_per_second: float


def score(
    model: str | os.PathLike[str],
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    columns: Columns | None = None,
    keep: Sequence[str] = (),
    outputs: Mapping[str, str] | None = None,
    signature: str | None = None,
    input_format: Literal["parquet", "arrow", "csv", "tfrecord"] | None = None,
    output_format: Literal["parquet", "tfrecord"] = "parquet",
    on_error: Literal["fail", "skip"] = "fail",
    engine: EngineName = "local",
    rows_per_part: int = ROWS_PER_PART,
    options: LoadOptions | None = None,
) -> Scored:
    """Scores all rows of some files, on all processors of this machine or a cluster's.

    Parts appear in the output folder as a whole or not at all. A job that was
    interrupted goes on where it was when it is started again in the same folder: parts
    that are there are not made again. Memory is bounded, whatever the size of the
    files: a group of rows of a Parquet file, a batch of an Arrow file, and a few
    batches of predictions are in memory at a time; remote parts, too, until they are
    sent.

    Needs pyarrow, and fsspec for URLs, of the extra ``tfnative[score]``.

    Args:
        model: What ``load`` takes.
        inputs: Paths, URLs that fsspec knows, and wildcards.
        output: A folder that is empty, not there, or of the same job.
        columns: As ``Model.predict_table`` takes them. tf.Examples have none: features
            feed the inputs of their names, or all of a message the one input for it.
        keep: Columns that stand before the outputs. Those of CSV files are strings.
        outputs: By output, what its column is called. Default: all outputs.
        signature: As for ``Model.predict``.
        input_format: Default: what the names of the files end in.
        output_format: tf.Examples have a feature for each column.
        on_error: At a row that cannot be scored: "fail" raises an error, "skip" writes
            it to ``_bad_rows/`` in the output folder, with the reason, and goes on.
        engine: "local", this machine; "ray", the cluster that Ray is connected to; or
            "spark", this program's session. On a cluster each part is a task, which is
            done again if its machine dies; all machines need tfnative, and see files
            and folders under the same names. The model is brought to them.
        rows_per_part: Rows of a file that become one part. What is done again after an
            interruption is less than that.
        options: How the model is loaded; as many threads as there are processors if
            that leaves it at one.

    Raises:
        FailedPreconditionError: The output folder has something else in it, or another
            process writes to it.
        InvalidArgumentError: Columns, files or rows do not fit. Says which.
        NotFoundError: There is no such model or file.
        UnavailableError: The engine's cluster cannot be reached.
        UnimplementedError: A package that is needed is not installed.
        Error: What ``load`` raises.
    """
    pyarrow()
    _check(rows_per_part, input_format, output_format, on_error, engine)
    given = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    files = find([os.fspath(each) for each in given])
    sources = [source_of(each, input_format) for each in files]
    folder = JobFolder(place(os.fspath(output)), output_format, rows_per_part)
    columned = Columned(signature, columns, tuple(keep), outputs)
    asked = options or LoadOptions()
    task = Task(sources, columned, folder, on_error == "skip", asked)
    begin = time.monotonic()
    with load(model, options=asked) as loaded:
        work = Work(loaded, columned, folder, task.skips)
        schemas = {str(each.place): scorer_of(work, each).schema for each in sources}
        _check_same(schemas)
        settings = {
            "model": _stamp(Path(loaded.path)),
            "signature": loaded.signature(signature).name,
            "columns": dict(columns or {}),
            "columns_that_are_kept": list(keep),
            "outputs": outputs and dict(outputs),
            "output_format": output_format,
            "treatment_of_bad_rows": on_error,
            "number_of_rows_per_part": rows_per_part,
            "inputs": input_records(files),
        }
        folder.check()
        engine_of(engine).check()
        with _alone(folder.place):
            folder.begin(settings)
            runner = engine_of(engine)
            ledger = Ledger(folder, sources, loaded.name, runner.pieces())
            try:
                runner.run(task, loaded, ledger.units, ledger)
            finally:
                ledger.shown.clear()
            report = _report(ledger, task, time.monotonic() - begin)
            folder.finish(asdict(report))
    return report


def _report(ledger: Ledger, task: Task, seconds: float) -> Scored:
    return Scored(
        output=str(task.folder.place),
        files=len(task.sources),
        parts=len(ledger.parts),
        rows=sum(part.rows for part in ledger.parts),
        bad_rows=sum(part.bad for part in ledger.parts),
        parts_before=ledger.parts_before,
        seconds=seconds,
        rows_per_second=ledger.shown.rows_per_second,
    )


def _check(
    rows_per_part: int, kind: str | None, output: str, on_error: str, engine: str
) -> None:
    if isinstance(rows_per_part, bool) or not isinstance(rows_per_part, int):
        raise InvalidArgumentError(
            f"rows_per_part: expected an int, got {rows_per_part!r}"
        )
    if rows_per_part < 1:
        raise InvalidArgumentError(
            f"rows_per_part: expected 1 or more, got {rows_per_part}"
        )
    for name, value, known in (
        ("input_format", kind, (None, *FORMATS)),
        ("output_format", output, tuple(WRITERS)),
        ("on_error", on_error, ("fail", "skip")),
        ("engine", engine, ENGINES),
    ):
        if value not in known:
            raise InvalidArgumentError(
                f"{name}: expected one of {', '.join(map(str, known))}, got {value!r}"
            )


def _check_same(schemas: Mapping[str, Any]) -> None:
    """All parts are of one schema, since they are read as one table."""
    (first, schema), *others = schemas.items()
    for name, other in others:
        if not other.equals(schema):
            raise InvalidArgumentError(
                f"{first} and {name} would give rows of other types: "
                f"{_types(schema)}, and {_types(other)}. Score them apart"
            )


def _types(schema: Any) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)


def _stamp(model: Path) -> str:
    """What changes with the model."""
    from tfnative._cache.digest import folder_digest

    return folder_digest(model if model.is_dir() else model.parent)


@contextmanager
def _alone(folder: Place) -> Iterator[None]:
    """No other process of this machine writes to the folder."""
    if folder.remote is not None:
        yield
        return
    path = Path(folder.path)
    with try_exclusive(path / RECORDS / "lock") as is_free:
        if not is_free:
            raise FailedPreconditionError(f"another process writes to {folder}")
        yield
