# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Predicts batches of rows, and says which of them it could not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from tfnative._tables.arrow import pyarrow
from tfnative._tables.feeds import Columns, Feed, find_feeds
from tfnative._tables.to_arrays import BadRow, read_rows
from tfnative._tables.to_columns import column_type, to_column
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._signature import Signature

Arrays = Mapping[str, npt.NDArray[Any]]
Places = npt.NDArray[np.int64]


class TableModel(Protocol):
    """That part of a ``Model``, which itself is made of this folder."""

    @property
    def name(self) -> str:
        """As ``Model.name``."""

    def signature(self, name: str | None = None) -> Signature:
        """As ``Model.signature``."""

    def predict(self, inputs: Any, /, *, signature: str | None = None) -> Any:
        """As ``Model.predict``."""


@dataclass(frozen=True)
class Columned:
    """What is made of a table's columns.

    Attributes:
        signature: The signature's name; None for the default one.
        columns: As ``find_feeds`` takes them.
        keep: Columns that are passed on, before the outputs.
        outputs: By the output's name, what its column is called; None for all
            outputs under their own names.
    """

    signature: str | None = None
    columns: Columns | None = None
    keep: Sequence[str] = ()
    outputs: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Scored:
    """What became of a batch.

    Attributes:
        batch: Arrow's, of the rows that could be scored, in their order.
        bad: The others, ascending.
    """

    batch: Any
    bad: Sequence[BadRow]


class Scorer:
    """Scores batches of one schema. May be used by several threads at once.

    Attributes:
        schema: Of what it gives.
    """

    def __init__(
        self, model: TableModel, schema: Any, asked: Columned, *, text: bool = False
    ) -> None:
        """Makes a scorer.

        Args:
            model: Predicts.
            schema: Arrow's, of the batches.
            asked: What is made of them.
            text: Whether strings may be numbers, as in CSV files.

        Raises:
            InvalidArgumentError: Something that is asked for is not there, or does not
                fit.
        """
        signature = model.signature(asked.signature)
        self._model = model
        self._signature = signature.name
        self._feeds = self._find_feeds(signature, schema, asked, text=text)
        self._keep = list(dict.fromkeys(asked.keep))
        self._outputs = _outputs(signature, asked.outputs)
        self.schema = self._schema(schema, signature)
        self._specs = {name: signature.outputs[name] for name in self._outputs}

    def _find_feeds(
        self, signature: Signature, schema: Any, asked: Columned, *, text: bool
    ) -> tuple[Feed, ...]:
        return find_feeds(signature, schema, asked.columns, text=text)

    def _schema(self, schema: Any, signature: Signature) -> Any:
        arrow = pyarrow()
        fields = []
        for name in self._keep:
            if schema.names.count(name) != 1:
                raise InvalidArgumentError(
                    f"there is no column {name!r} to keep, or several; there are "
                    + ", ".join(map(repr, schema.names))
                )
            fields.append(schema.field(name))
        for name, column in self._outputs.items():
            if any(field.name == column for field in fields):
                raise InvalidArgumentError(
                    f"two columns would be called {column!r}: give output {name!r} "
                    f"another name: --outputs {name}=COLUMN, or outputs= in Python"
                )
            kind = column_type(signature.outputs[name])
            fields.append(arrow.field(column, kind, nullable=False))
        return arrow.schema(fields)

    def needs(self) -> Sequence[str]:
        """The columns that are read."""
        fed = [column for feed in self._feeds for column in feed.columns]
        return list(dict.fromkeys([*self._keep, *fed]))

    def score(self, batch: Any) -> Scored:
        """Scores a batch.

        Args:
            batch: Arrow's, with the columns that it needs.

        Raises:
            FailedPreconditionError: The model is closed.
            ResourceExhaustedError: Out of memory.
            InternalError: The compiled code failed.
        """
        inputs, places, bad = self._inputs(batch)
        outputs, done, refused = self._predict(inputs, places)
        kept = [batch.column(name) for name in self._keep]
        if len(done) < batch.num_rows:
            rows = pyarrow().array(done)
            kept = [column.take(rows) for column in kept]
        made = [to_column(self._specs[name], outputs[name]) for name in self._outputs]
        scored = pyarrow().RecordBatch.from_arrays([*kept, *made], schema=self.schema)
        return Scored(scored, sorted([*bad, *refused]))

    def _inputs(
        self, batch: Any
    ) -> tuple[dict[str, npt.NDArray[Any]], Places, list[BadRow]]:
        """Inputs of the rows that all of them can be read of."""
        read = {feed.spec.name: read_rows(feed, batch) for feed in self._feeds}
        everything = np.arange(batch.num_rows)
        places = everything
        bad: dict[int, BadRow] = {}
        for rows in read.values():
            if rows.places is not None:
                places = np.intersect1d(places, rows.places, assume_unique=True)
            for each in rows.bad:
                bad.setdefault(each.row, each)
        inputs = {}
        for name, rows in read.items():
            own = everything if rows.places is None else rows.places
            whole = len(own) == len(places)
            chosen = slice(None) if whole else np.searchsorted(own, places)
            inputs[name] = rows.array[chosen]
        return inputs, places, list(bad.values())

    def _predict(
        self, inputs: dict[str, npt.NDArray[Any]], places: Places
    ) -> tuple[Arrays, Places, list[BadRow]]:
        """Outputs, the rows that they are of, and those that the model refuses.

        Of several, halves are tried, so that one bad row costs a few more calls.
        """
        try:
            return self._call(inputs), places, []
        except InvalidArgumentError as error:
            if len(places) <= 1:
                if not len(places):
                    raise
                bad = BadRow(int(places[0]), "", " ".join(str(error).split()))
                nothing = {name: each[:0] for name, each in inputs.items()}
                return self._call(nothing), places[:0], [bad]
        middle = len(places) // 2
        parts = [
            self._predict({n: x[half] for n, x in inputs.items()}, places[half])
            for half in (slice(0, middle), slice(middle, None))
        ]
        outputs = {
            name: np.concatenate([part[0][name] for part in parts])
            for name in self._outputs
        }
        rows = np.concatenate([part[1] for part in parts])
        return outputs, rows, [bad for part in parts for bad in part[2]]

    def _call(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        outputs: Arrays = self._model.predict(inputs, signature=self._signature)
        return outputs


def _outputs(
    signature: Signature, asked: Mapping[str, str] | None
) -> Mapping[str, str]:
    if asked is None:
        return {name: name for name in signature.outputs}
    for name in asked:
        if name not in signature.outputs:
            raise InvalidArgumentError(
                f"signature {signature.name!r} has no output {name!r}; there are "
                + ", ".join(map(repr, signature.outputs))
            )
    if not asked:
        raise InvalidArgumentError("no output is asked for")
    if len(set(asked.values())) < len(asked):
        raise InvalidArgumentError(
            f"two outputs would have the same column: {', '.join(asked.values())}"
        )
    return dict(asked)
