# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Examples as the inputs of a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tfnative._base.arrays import converted
from tfnative._core import ExampleParser
from tfnative._examples.encode import encode_examples
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._signature import Signature


def takes_examples(signature: Signature) -> bool:
    """Whether its only input is for serialised tf.Example messages."""
    if len(signature.inputs) != 1:
        return False
    (spec,) = signature.inputs.values()
    is_row = spec.shape is None or len(spec.shape) == 1
    return spec.dtype == np.dtype(object) and is_row


def as_inputs(
    signature: Signature, examples: Any, context: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The inputs of a signature for some examples.

    Args:
        signature: Takes serialised tf.Example messages in its only input, or each
            feature in an input of that name.
        examples: A sequence of serialised messages, or of dicts with the features of a
            row; or a dict with an array of all rows for each feature.
        context: Features that all examples have which do not have them themselves.

    Raises:
        InvalidArgumentError: They are not what the signature takes.
    """
    if isinstance(examples, Mapping):
        columns = _columns(examples, context or {})
        if not takes_examples(signature):
            return _features(signature, columns)
        examples = _rows(columns)
        context = None
    if isinstance(examples, bytes | str) or not hasattr(examples, "__len__"):
        raise InvalidArgumentError(
            "expected a sequence of examples, or a dict of features, got"
            f" {type(examples).__name__}"
        )
    if all(isinstance(example, Mapping) for example in examples):
        rows = [{**(context or {}), **example} for example in examples]
        if takes_examples(signature):
            return {next(iter(signature.inputs)): encode_examples(rows)}
        return _stack(signature, rows)
    messages = _messages(examples, context)
    if takes_examples(signature):
        return {next(iter(signature.inputs)): messages}
    return _features(signature, _parse(signature, messages))


def _parse(
    signature: Signature, messages: npt.NDArray[np.object_]
) -> dict[str, npt.NDArray[Any]]:
    """All rows of each feature of serialised messages."""
    specs = list(signature.inputs.values())
    for spec in specs:
        if spec.shape is None or -1 in spec.shape[1:]:
            raise InvalidArgumentError(
                f"signature {signature.name!r} takes no serialised examples: sizes of"
                f" {spec.name!r} are unknown. Give dicts of the features"
            )
    parser = ExampleParser(
        [(s.name, _kind(s.dtype), (s.shape or ())[1:], None) for s in specs]
    )
    columns = parser.parse(messages)
    return {spec.name: column for spec, column in zip(specs, columns, strict=True)}


def _kind(dtype: np.dtype[Any]) -> int:
    """The type of a feature's list, as a tensorflow.DataType."""
    if dtype == np.dtype(object):
        return 7
    return 9 if dtype.kind in "iub" else 1


def _messages(
    examples: Sequence[Any], context: Mapping[str, Any] | None
) -> npt.NDArray[np.object_]:
    for index, example in enumerate(examples):
        if not isinstance(example, bytes):
            raise InvalidArgumentError(
                f"example {index}: expected bytes or a dict, as all others, got"
                f" {type(example).__name__}"
            )
    if context:
        # As protobuf merges messages that follow one another: the later one wins.
        (shared,) = encode_examples([context])
        examples = [shared + example for example in examples]
    found = np.empty(len(examples), object)
    found[:] = examples
    return found


def _columns(
    examples: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, npt.NDArray[Any]]:
    """All rows of each feature; they are equally many."""
    columns = {name: _as_array(values) for name, values in examples.items()}
    counts = {name: len(c) if c.ndim else None for name, c in columns.items()}
    if None in counts.values() or len(set(counts.values())) > 1:
        raise InvalidArgumentError(
            "expected an array with as many rows for each feature, got"
            f" {', '.join(f'{name}: {count}' for name, count in counts.items())}"
        )
    rows = next(iter(counts.values()), 0) or 0
    for name in context.keys() - columns.keys():
        columns[name] = np.stack([_as_array(context[name])] * rows)
    return columns


def _rows(columns: Mapping[str, npt.NDArray[Any]]) -> list[dict[str, Any]]:
    count = len(next(iter(columns.values()), ()))
    return [{name: c[row] for name, c in columns.items()} for row in range(count)]


def _stack(signature: Signature, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """An array for each input from all rows."""
    names = {name for row in rows for name in row}
    columns = {}
    for name in names | signature.inputs.keys():
        missing = [index for index, row in enumerate(rows) if name not in row]
        if missing:
            raise InvalidArgumentError(f"row {missing[0]}: feature {name!r} is missing")
        columns[name] = _stacked(signature, name, rows)
    return _features(signature, columns)


def _stacked(
    signature: Signature, name: str, rows: Sequence[Mapping[str, Any]]
) -> npt.NDArray[Any]:
    spec = signature.inputs.get(name)
    if not rows and spec is not None and spec.shape is not None:
        return np.empty((0, *spec.shape[1:]), spec.dtype)
    try:
        return np.stack([_as_array(row[name]) for row in rows])
    except ValueError as error:
        raise InvalidArgumentError(f"feature {name!r}: {error}") from None


def _features(
    signature: Signature, columns: Mapping[str, npt.NDArray[Any]]
) -> dict[str, Any]:
    if columns.keys() != signature.inputs.keys():
        raise InvalidArgumentError(
            f"signature {signature.name!r}: expected the features"
            f" {', '.join(signature.inputs)}, got {', '.join(sorted(columns))}"
        )
    return {name: _shaped(signature, name, columns[name]) for name in columns}


def _shaped(
    signature: Signature, name: str, column: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """A number per row is a list of one number, as it is in a tf.Example."""
    spec = signature.inputs[name]
    if spec.shape is not None and spec.shape[1:] == (1,) and column.ndim == 1:
        column = column[:, None]
    if column.dtype != spec.dtype and column.dtype.kind in "iuf":
        where = f"signature {signature.name!r}, feature {name!r}"
        return converted(column, spec.dtype, where)  # tf.Example has two kinds only.
    return column


def _as_array(value: Any) -> npt.NDArray[Any]:
    if isinstance(value, bytes | str):
        return np.array(value, object)
    found = np.asarray(value)
    if found.dtype.kind in "SU" and not isinstance(value, np.ndarray):
        return np.asarray(value, object)
    return found
