# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Golden vectors: inputs and TensorFlow's outputs that travel with an artifact."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative.errors import InvalidArgumentError
from tfnative_aot.artifact.describe import golden_file_name
from tfnative_aot.emit.interface import Interface
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.numpy_file import read_arrays
from tfnative_aot.load.source import BATCH
from tfnative_aot.verify.samples import Arrays, Sample, Sampler

Inputs = dict[str, npt.NDArray[np.generic]]

_MAX_BYTES = 256 << 10
_MAX_ROWS = 4


def read_inputs(
    golden: str | os.PathLike[str] | Mapping[str, object], flag: str = "--golden"
) -> Inputs:
    """The user's inputs: a mapping of arrays, or a .npz file with one per input.

    Args:
        golden: Either of them.
        flag: What it was given with, for messages.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It is no .npz file.
    """
    if isinstance(golden, Mapping):
        return {str(name): np.asarray(array) for name, array in golden.items()}
    return read_arrays(Path(golden), flag)


def chunks(graph: FrozenGraph, inputs: Inputs, batch_size: int) -> Iterator[Arrays]:
    """The user's inputs for one signature, in batches of ``batch_size`` rows.

    The last batch is filled up with the first rows again. Without a batch
    dimension, the inputs as they are.

    Raises:
        InvalidArgumentError: An input is missing or has another dtype or shape.
    """
    own = {tensor.name: _checked(graph, inputs, tensor.name) for tensor in graph.inputs}
    batched = [
        t.name for t in graph.inputs if t.shape is not None and t.shape[:1] == (BATCH,)
    ]
    counts = {len(own[name]) for name in batched}
    if len(counts) > 1 or counts == {0}:
        raise InvalidArgumentError(
            f"--golden: the inputs of {graph.signature!r} need the same number of "
            f"rows, at least one, got {sorted(counts)}"
        )
    if not counts:
        yield own
        return
    (rows,) = counts
    for first in range(0, rows, batch_size):
        index = np.arange(first, first + batch_size) % rows
        yield {
            name: array[index] if name in batched else array
            for name, array in own.items()
        }


def choose(sampler: Sampler, interface: Interface, inputs: Inputs | None) -> Sample:
    """What travels with the artifact: the user's inputs, or a few generated rows.

    Where rows influence each other it is one batch of the smallest compiled size.
    """
    graph = sampler.graph
    (signature,) = (s for s in interface.signatures if s.name == graph.signature)
    fixed = 0 if signature.rows_independent else min(signature.batch_sizes, default=0)
    if inputs is not None:
        given = [inputs[tensor.name] for tensor in graph.inputs]
        rows = fixed or max((len(a) for a in given if np.ndim(a) > 0), default=1)
        own = next(chunks(graph, inputs, rows))
        return Sample(own, sampler.reference(own))
    # Whether TensorFlow takes a single row is another matter.
    one_row = sum(array.nbytes for array in sampler.draw(1).values())
    rows = fixed or max(1, min(_MAX_ROWS, _MAX_BYTES // max(one_row, 1)))
    return sampler.sample(rows)


def write(artifact: Path, signature: str, sample: Sample) -> None:
    """Writes golden/SIGNATURE.npz."""
    folder = artifact / "golden"
    folder.mkdir(exist_ok=True)
    arrays = _named("input", "lengths", sample.inputs)
    arrays |= _named("output", "output_lengths", sample.outputs)
    arrays |= _named("between", "", sample.between or {})
    storable = {name: _storable(array) for name, array in sorted(arrays.items())}
    np.savez_compressed(
        folder / golden_file_name(signature), allow_pickle=False, **storable
    )


def _named(kind: str, lengths: str, arrays: Arrays) -> Inputs:
    """Arrays under the names that they have in the file."""
    named: Inputs = {}
    for name, array in arrays.items():
        if array.dtype != object:
            named[f"{kind}:{name}"] = array
            continue
        # Strings: their bytes, and how many each has. NumPy would pickle objects.
        strings = array.ravel().tolist()
        named[f"{kind}:{name}"] = np.frombuffer(b"".join(strings), np.uint8)
        counts = np.array([len(text) for text in strings], np.int64)
        named[f"{lengths}:{name}"] = counts.reshape(array.shape)
    return named


def as_bytes(strings: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """The user's strings, text or bytes, as TensorFlow has them.

    Raises:
        InvalidArgumentError: They are something else.
    """
    found = np.empty(strings.size, object)
    for index, value in enumerate(strings.ravel().tolist()):
        if not isinstance(value, str | bytes):
            raise InvalidArgumentError(
                f"--golden: expected strings, got {type(value).__name__}"
            )
        found[index] = value.encode() if isinstance(value, str) else value
    return found.reshape(strings.shape)


def _storable(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """NumPy's file format does not know bfloat16: its bits are stored."""
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def _checked(graph: FrozenGraph, inputs: Inputs, name: str) -> npt.NDArray[np.generic]:
    (tensor,) = (t for t in graph.inputs if t.name == name)
    array = inputs.get(name)
    expected = f"{tensor.dtype} {list(tensor.shape or ())}"
    if array is None:
        raise InvalidArgumentError(
            f"--golden has no input {name!r} (expected {expected}); it has "
            f"{', '.join(map(repr, inputs)) or 'none'}"
        )
    if tensor.dtype == "string" and array.dtype.kind in "OSU":
        array = as_bytes(array)
    shape = tensor.shape or ()
    fits = len(shape) == array.ndim and all(
        want in (BATCH, have) for want, have in zip(shape, array.shape, strict=True)
    )
    dtype = "object" if tensor.dtype == "string" else tensor.dtype
    if not fits or array.dtype.name != dtype:
        raise InvalidArgumentError(
            f"--golden: input {name!r} is {array.dtype.name} {list(array.shape)}, "
            f"expected {expected} (-1 is the batch)"
        )
    return array
