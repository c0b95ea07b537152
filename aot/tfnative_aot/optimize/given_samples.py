# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The user's inputs to run a model on: arrays by name, or tf.Example messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfnative._base.tfrecord import read_records
from tfnative.errors import InvalidArgumentError, NotFoundError
from tfnative_aot.load.reach import nodes_with_bodies
from tfnative_aot.load.source import Arrays, TensorSpec
from tfnative_aot.verify.golden import as_bytes, read_inputs
from tfnative_aot.verify.split_samples import objects

if TYPE_CHECKING:
    import os

    from tfnative_aot.optimize.graph import SignatureEnds, WholeGraph

ROWS = 16
"""How many rows are run at once."""
_PARSERS = frozenset(
    """DecodeProtoV2 ParseExample ParseExampleV2 ParseSequenceExample
    ParseSequenceExampleV2 ParseSingleExample ParseSingleSequenceExample""".split()
)

Samples = dict[str, list[Arrays]]
"""By signature: batches of its inputs."""


def has_rows(spec: TensorSpec) -> bool:
    """Whether an input takes any number of rows."""
    return spec.shape is None or (bool(spec.shape) and spec.shape[0] is None)


def given_samples(
    data: str | os.PathLike[str] | Mapping[str, object],
    graph: WholeGraph,
    most: int | None,
) -> Samples:
    """Inputs of those signatures that the data are for, at least of one.

    Args:
        data: Arrays by the inputs' names; or the path of a .npz file with such, or of a
            TFRecord file with messages.
        graph: The model, frozen.
        most: How many rows to take; None for all.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It is none of these, or fits no signature.
    """
    if isinstance(data, Mapping) or Path(data).suffix == ".npz":
        return _of_arrays(read_inputs(data, "--representative-data"), graph, most)
    return _of_messages(Path(data), graph, most)


def _of_arrays(
    arrays: Mapping[str, Any], graph: WholeGraph, most: int | None
) -> Samples:
    used = {s.name for ends in graph.ends for s in ends.signature.inputs}
    chosen = [
        ends
        for ends in graph.ends
        if all(spec.name in arrays for spec in ends.signature.inputs)
    ]
    if not chosen:
        needed = "; or ".join(
            ", ".join(s.name for s in ends.signature.inputs) + _of(ends, graph)
            for ends in graph.ends[:5]
        )
        raise InvalidArgumentError(
            "--representative-data has the inputs of no signature: it needs an array "
            f"for each of {needed}"
        )
    if surplus := sorted(arrays.keys() - used):
        raise InvalidArgumentError(
            f"--representative-data has {', '.join(surplus)}, which is no input of any "
            f"signature; inputs are {', '.join(sorted(used))}"
        )
    return {
        ends.signature.name: _batches_for(ends, graph, arrays, most) for ends in chosen
    }


def _of_messages(path: Path, graph: WholeGraph, most: int | None) -> Samples:
    messages = objects(_messages(path))
    found = {
        ends.signature.name: _batches_for(
            ends, graph, {ends.signature.inputs[0].name: messages}, most
        )
        for ends in graph.ends
        if _takes_messages(ends, graph)
    }
    if not found:
        names = ", ".join(repr(ends.signature.name) for ends in graph.ends)
        raise InvalidArgumentError(
            f"--representative-data {path}: a TFRecord file has tf.Example messages, "
            f"which no signature parses of {names}: choose one with --signature, or "
            "give a .npz file with an array for each input"
        )
    return found


def _takes_messages(ends: SignatureEnds, graph: WholeGraph) -> bool:
    """Whether all it takes is a string, and it parses that, also in functions."""
    specs = ends.signature.inputs
    if len(specs) != 1 or specs[0].dtype != "string":
        return False
    nodes = nodes_with_bodies(graph.graph_def, ends.outputs.values())
    return any(node.op in _PARSERS for node in nodes)


def _of(ends: SignatureEnds, graph: WholeGraph) -> str:
    """Which signature that is, where there are several."""
    return f" (signature {ends.signature.name!r})" if len(graph.ends) > 1 else ""


def _batches_for(
    ends: SignatureEnds, graph: WholeGraph, own: Mapping[str, Any], most: int | None
) -> list[Arrays]:
    """Batches of a signature's inputs.

    Raises:
        InvalidArgumentError: An input is not as the signature has it.
    """
    specs = ends.signature.inputs
    try:
        inputs = {spec.name: _fitting(spec, own[spec.name]) for spec in specs}
        return list(_batches(inputs, specs, most))
    except InvalidArgumentError as error:
        if len(graph.ends) == 1:
            raise
        raise InvalidArgumentError(
            f"{error}. That is for signature {ends.signature.name!r}; if it is not to "
            "be optimized, choose others with --signature"
        ) from None


def _messages(path: Path) -> list[bytes]:
    if not path.exists():
        raise NotFoundError(f"no file {path}")
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no regular file"
        raise InvalidArgumentError(
            f"--representative-data {path} is {what}: expected a .npz or a TFRecord "
            "file"
        )
    if path.suffix == ".npy":
        raise InvalidArgumentError(
            f"--representative-data {path} has one array, which no input is named "
            "of: write a .npz file, as by numpy.savez(file, NAME=array)"
        )
    try:
        messages = list(read_records(path))
    except InvalidArgumentError as error:
        raise InvalidArgumentError(
            f"--representative-data has to be a .npz file by its name, or a TFRecord "
            f"file: {error}"
        ) from None
    if not messages:
        raise InvalidArgumentError(f"{path} has no records")
    return messages


def _fitting(spec: TensorSpec, given: Any) -> Any:
    array = np.asarray(given)
    if spec.dtype == "string" and array.dtype.kind in "OSU":
        array = as_bytes(array)
    dtype = "object" if spec.dtype == "string" else spec.dtype
    shape = spec.shape
    fits = shape is None or (
        len(shape) == array.ndim
        and all(want in (None, have) for want, have in zip(shape, array.shape))  # noqa: B905
    )
    if fits and array.size == 0:
        raise InvalidArgumentError(
            f"--representative-data: input {spec.name!r} is {array.dtype.name} "
            f"{list(array.shape)}, which is empty: there is nothing to run the model on"
        )
    if not fits or array.dtype.name != dtype:
        raise InvalidArgumentError(
            f"--representative-data: input {spec.name!r} is {array.dtype.name} "
            f"{list(array.shape)}, expected {spec.dtype} "
            f"{'of any shape' if shape is None else list(shape)}"
        )
    return array


def _batches(
    inputs: Arrays, specs: Sequence[TensorSpec], most: int | None
) -> Iterator[Arrays]:
    """Rows that belong together, a few at a time."""
    batched = [s.name for s in specs if has_rows(s) and np.ndim(inputs[s.name])]
    counts = {len(inputs[name]) for name in batched}
    if len(counts) > 1:
        raise InvalidArgumentError(
            f"--representative-data: the inputs need the same number of rows, got "
            f"{sorted(counts)}"
        )
    if not counts:
        yield inputs
        return
    rows = min(counts.pop(), most or 1 << 31)
    for first in range(0, rows, ROWS):
        yield {
            name: array[first : min(first + ROWS, rows)] if name in batched else array
            for name, array in inputs.items()
        }
