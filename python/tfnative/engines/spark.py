# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models in Spark: of DataFrames, and as functions of columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfnative._backends.load import load
from tfnative._backends.options import LoadOptions
from tfnative._shipping.loaded import loaded
from tfnative._shipping.spark import Shipped, require_context, ship, spark_session
from tfnative._tables.array_batches import as_arrays, as_table
from tfnative._tables.arrow import pyarrow
from tfnative._tables.predict_table import predict_table
from tfnative._tables.scorer import Columned, Scorer
from tfnative._tables.spark_types import as_spark_array, spark_type
from tfnative.errors import InvalidArgumentError, UnimplementedError

if TYPE_CHECKING:
    import numpy.typing as npt

    from tfnative._signature import Signature
    from tfnative._tables.feeds import Columns

__all__ = ["batch_udf", "predict"]


def predict(
    frame: Any,
    model: str | os.PathLike[str],
    *,
    columns: Columns | None = None,
    keep: Sequence[str] = (),
    outputs: Mapping[str, str] | None = None,
    signature: str | None = None,
    threads: int = 1,
) -> Any:
    """Predicts each row of a DataFrame, by its ``mapInArrow``.

    The model is brought to all executors (``addArchive``), and loaded once by each of
    their Python processes. Rows of an Arrow batch are predicted together, as many as
    ``spark.sql.execution.arrow.maxRecordsPerBatch`` says.

    Args:
        frame: A DataFrame of Spark.
        model: The folder of a compiled model, on the driver's machine.
        columns: As for ``Model.predict_table``, and so are the next three. Columns are
            numbers, strings, and arrays of them, of any depth.
        keep: Columns that stand before the outputs, of any type.
        outputs: By output, what its column is called.
        signature: The signature's name.
        threads: That predict in each task, see ``spark.task.cpus``.

    Returns:
        A DataFrame, computed when Spark needs it. An output of several elements is a
        column of arrays; unsigned integers have the next larger type.

    Raises:
        InvalidArgumentError: A column is missing or is of another type. For rows that
            do not fit, the task fails with such a message when the rows are computed.
        UnimplementedError: pyspark is not installed, or the session is one of Spark
            Connect.
        Error: What ``load`` raises.
    """
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import StructField, StructType

    context = require_context(frame.sparkSession)
    options = LoadOptions(threads=threads)
    asked = Columned(signature, columns, tuple(keep), outputs)
    schema = to_arrow_schema(frame.schema)
    with load(model, options=options) as driver:
        scorer = Scorer(driver, schema, asked)
        path = driver.path
    kept = [frame.schema[name] for name in dict.fromkeys(keep)]
    made = [
        StructField(field.name, spark_type(field.type), nullable=False)
        for field in list(scorer.schema)[len(kept) :]
    ]
    names = scorer.needs()
    run = _Rows(ship(context, path), options, asked, names)
    # Spark's own function does not find columns with dots in their names.
    needed = frame.select(*map(_quoted, names)).toDF(*map(str, range(len(names))))
    return needed.mapInArrow(run, StructType([*kept, *made]))


class _Rows:
    """Predicts the rows of a partition, in a process of Spark's."""

    def __init__(
        self,
        model: Shipped,
        options: LoadOptions,
        asked: Columned,
        names: Sequence[str],
    ) -> None:
        self._model = model
        self._options = options
        self._asked = asked
        self._names = names

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        arrow = pyarrow()
        model = loaded(self._model.path(), self._options)
        scorer, begin = None, 0
        for numbered in batches:
            batch = arrow.RecordBatch.from_arrays(numbered.columns, self._names)
            scorer = scorer or Scorer(model, batch.schema, self._asked)
            found = scorer.score(batch)
            if found.bad:
                raise InvalidArgumentError(self._said(batch, begin, found.bad))
            count = len(dict.fromkeys(self._asked.keep))
            columns = [
                column if place < count else as_spark_array(column)
                for place, column in enumerate(found.batch.columns)
            ]
            yield arrow.RecordBatch.from_arrays(columns, found.batch.schema.names)
            begin += batch.num_rows

    def _said(self, batch: Any, begin: int, bad: Sequence[Any]) -> str:
        first = bad[0]
        kept = batch.slice(first.row, 1).select(list(dict.fromkeys(self._asked.keep)))
        values = (kept.to_pylist() or [{}])[0]
        names = ", ".join(f"{name}={value!r}" for name, value in values.items())
        return (
            f"row {begin + first.row} of a partition{f' ({names})' if names else ''}: "
            f"{first.reason}" + (f", and {len(bad) - 1} more" if len(bad) > 1 else "")
        )


def batch_udf(
    model: str | os.PathLike[str],
    *,
    outputs: Sequence[str] | None = None,
    signature: str | None = None,
    batch_size: int = 1024,
    threads: int = 1,
) -> Any:
    """A function of columns, by Spark's ``predict_batch_udf``.

    ::

        digits = batch_udf("build/digits")
        frame.withColumn("probabilities", digits("image"))

    Args:
        model: The folder of a compiled model, on the driver's machine. It is brought to
            all executors, and loaded once by each of their Python processes.
        outputs: Those that are wanted. Default: all.
        signature: The signature's name.
        batch_size: Rows that are predicted together.
        threads: That predict in each task.

    Returns:
        The function. It takes a column for each input, in the signature's order: of
        numbers or strings, or of arrays that have all elements of a row. It gives the
        output, or a struct of several; outputs of more dimensions are one array.

    Raises:
        InvalidArgumentError: There is no such output or signature, or its rows have no
            size that is known.
        UnimplementedError: pyspark is not installed, or the session is one of Spark
            Connect.
        Error: What ``load`` raises.
    """
    context = spark_session().sparkContext
    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql.types import StructField, StructType

    options = LoadOptions(threads=threads)
    with load(model, options=options) as driver:
        found = driver.signature(signature)
        shipped = ship(context, driver.path)
    names = list(found.outputs) if outputs is None else list(outputs)
    kinds = [_flat_type(found, name) for name in names]
    if not kinds:
        raise InvalidArgumentError("no output is asked for")
    fields = [StructField(*each) for each in zip(names, kinds, strict=True)]
    return predict_batch_udf(
        _Loader(shipped, options, found.name, names),
        return_type=kinds[0] if len(kinds) == 1 else StructType(fields),
        batch_size=batch_size,
        input_tensor_shapes=[_row_shape(found, name) for name in found.inputs],
    )


class _Loader:
    """What Spark calls once in each process, for what predicts."""

    def __init__(
        self, model: Shipped, options: LoadOptions, signature: str, names: Sequence[str]
    ) -> None:
        self._model = model
        self._options = options
        self._signature = signature
        self._names = names

    def __call__(self) -> Callable[..., Any]:
        model = loaded(self._model.path(), self._options)
        shapes = {
            name: (-1, *(spec.shape or ())[1:])
            for name, spec in model.signature(self._signature).inputs.items()
        }

        asked = Columned(self._signature, outputs={name: name for name in self._names})

        def predict(*columns: npt.NDArray[Any]) -> Any:
            batch = {
                name: column.reshape(shape)
                for (name, shape), column in zip(shapes.items(), columns, strict=True)
            }
            # As any table: what an input cannot hold is refused, and not cut.
            found = as_arrays(predict_table(model, as_table(batch), asked))
            flat = {name: _flat(found[name]) for name in self._names}
            return flat if len(flat) > 1 else flat[self._names[0]]

        return predict


def _flat(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array for each row, of a type that Spark has."""
    array = array if array.ndim < 3 else array.reshape(len(array), -1)
    if array.dtype.name in _WIDER:
        return array.astype(_WIDER[array.dtype.name])
    return array


_WIDER = {
    "float16": np.float32,
    "uint8": np.int16,
    "uint16": np.int32,
    "uint32": np.int64,
}


def _flat_type(signature: Signature, name: str) -> Any:
    from pyspark.sql.types import ArrayType

    from tfnative._tables.to_columns import column_type

    if name not in signature.outputs:
        raise InvalidArgumentError(
            f"signature {signature.name!r} has no output {name!r}; there are "
            + ", ".join(map(repr, signature.outputs))
        )
    spec = signature.outputs[name]
    kind = column_type(spec)
    while pyarrow().types.is_fixed_size_list(kind):
        kind = kind.value_type
    leaf = spark_type(kind)
    return leaf if len(spec.shape or ()) == 1 else ArrayType(leaf)


def _row_shape(signature: Signature, name: str) -> list[int] | None:
    """As Spark has it: None for columns that have a number in each row."""
    sizes = (signature.inputs[name].shape or ())[1:]
    if -1 in sizes:
        raise UnimplementedError(
            f"input {name!r} has rows of any size ({signature.inputs[name].shape}): "
            "expected one of which all are known"
        )
    return list(sizes) or None


def _quoted(name: str) -> str:
    """A column's name for ``select``, which takes dots as fields of a struct."""
    return f"`{name.replace('`', '``')}`"
