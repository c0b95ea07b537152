# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs to run a model on at every step: the user's, or generated ones."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfnative._base.tfrecord import read_records
from tfnative.errors import CompileError, InvalidArgumentError, NotFoundError
from tfnative_aot.load.source import Arrays, SourceGraph, TensorSpec
from tfnative_aot.verify.golden import as_bytes, read_inputs
from tfnative_aot.verify.random_messages import parsers, random_message
from tfnative_aot.verify.samples import (
    DOMAINS,
    Domain,
    is_finite,
    random_array,
)
from tfnative_aot.verify.split_samples import NUMBERS, images, known_words, objects

if TYPE_CHECKING:
    import os

    from tfnative._optimize.options import OptimizeOptions
    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.optimize.graph import SignatureEnds, WholeGraph
    from tfnative_aot.optimize.session import GraphSession

_ROWS = 16
_OPEN_SIZES = (16, 32, 64, 224, 8, 4, 2, 1)
_RANKS = (1, 2, 4, 3)
_MESSAGES = 24
_SEED = 2017

Samples = dict[str, list[Arrays]]
"""By signature: batches of its inputs."""


def make_samples(
    graph: WholeGraph,
    model: LoadedModel,
    session: GraphSession,
    options: OptimizeOptions,
) -> Samples:
    """Inputs for every signature.

    Args:
        graph: The model, frozen.
        model: The model as it came.
        session: Runs the graph.
        options: May have representative data.

    Raises:
        NotFoundError: There is no file with these data.
        InvalidArgumentError: They fit none of the signatures.
        CompileError: TensorFlow fails on whatever is generated.
    """
    data = options.representative_data
    given = {} if data is None else _given(data, graph, options.samples)
    if data is not None and not given:
        raise InvalidArgumentError(
            "--representative-data has the inputs of no signature: it needs an array "
            f"for each of {', '.join(s.name for s in graph.ends[0].signature.inputs)}"
        )
    rows = options.samples or _ROWS
    return {
        ends.signature.name: given.get(ends.signature.name)
        or _Drawn(graph, ends, model, session).batches(rows)
        for ends in graph.ends
    }


def one_row(batch: Arrays, specs: Sequence[TensorSpec]) -> Arrays:
    """The first row of a batch."""
    return {s.name: batch[s.name][:1] if has_rows(s) else batch[s.name] for s in specs}


def has_rows(spec: TensorSpec) -> bool:
    """Whether an input takes any number of rows."""
    return spec.shape is None or (bool(spec.shape) and spec.shape[0] is None)


def _given(
    data: str | os.PathLike[str] | Mapping[str, object],
    graph: WholeGraph,
    most: int | None,
) -> Samples:
    found: Samples = {}
    arrays: Mapping[str, Any] = {}
    messages: list[bytes] | None = None
    if isinstance(data, Mapping) or Path(data).suffix == ".npz":
        arrays = read_inputs(data)
    else:
        messages = _messages(Path(data))
    for ends in graph.ends:
        specs = ends.signature.inputs
        own = arrays
        if messages is not None and len(specs) == 1 and specs[0].dtype == "string":
            own = {specs[0].name: objects(messages)}
        if all(spec.name in own for spec in specs):
            inputs = {spec.name: _fitting(spec, own[spec.name]) for spec in specs}
            found[ends.signature.name] = list(_batches(inputs, specs, most))
    used = {s.name for ends in graph.ends for s in ends.signature.inputs}
    surplus = sorted(arrays.keys() - used)
    if found and surplus:
        raise InvalidArgumentError(
            f"--representative-data has {', '.join(surplus)}, which is no input of any "
            f"signature; inputs are {', '.join(sorted(used))}"
        )
    return found


def _messages(path: Path) -> list[bytes]:
    if not path.is_file():
        raise NotFoundError(f"no file {path}")
    messages = list(read_records(path))
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
            "--representative-data: the inputs need the same number of rows, got "
            f"{sorted(counts)}"
        )
    if not counts:
        yield inputs
        return
    rows = min(counts.pop(), most or 1 << 31)
    for first in range(0, rows, _ROWS):
        yield {
            name: array[first : min(first + _ROWS, rows)] if name in batched else array
            for name, array in inputs.items()
        }


@dataclass(frozen=True)
class _Way:
    """How to draw: strings of a pool, and what is left open."""

    pool: list[bytes]
    rank: int
    size: int
    domain: Domain


class _Drawn:
    """Draws inputs for a signature on which TensorFlow does not fail."""

    def __init__(
        self,
        graph: WholeGraph,
        ends: SignatureEnds,
        model: LoadedModel,
        session: GraphSession,
    ) -> None:
        self._ends = ends
        self._session = session
        self._words = known_words(graph.graph_def, model.assets)
        roots = tuple(graph.outputs)
        whole = SourceGraph(graph.graph_def, ends.inputs, ends.outputs, roots)
        self._parsers = parsers(whole)

    def batches(self, rows: int) -> list[Arrays]:
        """About so many rows, in batches; the values of the first domain that suits."""
        failure: Exception | None = None
        fallback: list[Arrays] | None = None
        sizes = (rows + _ROWS - 1) // _ROWS
        for draw in self._ways():
            batches = [
                draw(seed, min(_ROWS, rows)) for seed in range(_SEED, _SEED + sizes)
            ]
            try:
                outputs = [self._session.run(self._ends, batch) for batch in batches]
            except Exception as error:  # Whatever TensorFlow raises for bad input.
                failure = error
                continue
            if all(is_finite_or_text(a) for each in outputs for a in each.values()):
                return batches
            fallback = fallback or batches
        if fallback is None:
            raise CompileError(
                f"signature {self._ends.signature.name!r}: TensorFlow fails on every "
                f"input that was tried; give some with --representative-data. It says: "
                f"{failure}"
            )
        return fallback

    def _ways(self) -> Iterator[Any]:
        specs = self._ends.signature.inputs
        has_open = any(s.shape is None or None in s.shape[1:] for s in specs)
        has_text = any(spec.dtype == "string" for spec in specs)
        pools = (self._words, NUMBERS, images()) if has_text else (self._words,)
        ranks = _RANKS if any(s.shape is None for s in specs) else _RANKS[:1]
        sizes = _OPEN_SIZES if has_open else _OPEN_SIZES[:1]
        for pool, rank, size, domain in itertools.product(pools, ranks, sizes, DOMAINS):
            way = _Way(pool, rank, size, domain)
            yield functools.partial(self._draw, way)

    def _draw(self, way: _Way, seed: int, rows: int) -> Arrays:
        rng = np.random.default_rng(seed)
        drawn: Arrays = {}
        pool, domain = way.pool, way.domain
        for spec in self._ends.signature.inputs:
            shape = (None,) * way.rank if spec.shape is None else spec.shape
            sizes = tuple(
                (way.size if place else rows) if s is None else s
                for place, s in enumerate(shape)
            )
            if spec.dtype != "string":
                drawn[spec.name] = random_array(rng, spec.dtype, sizes, domain)
                continue
            texts = pool
            if spec.name in self._parsers:
                features = self._parsers[spec.name]
                texts = [
                    random_message(features, pool, domain, rng)
                    for _ in range(_MESSAGES)
                ]
            chosen = rng.integers(0, len(texts), sizes)
            drawn[spec.name] = np.asarray(objects(texts)[chosen], object)
        return drawn


def is_finite_or_text(array: Any) -> bool:
    """Whether it has neither infinity nor NaN."""
    return np.asarray(array).dtype.kind in "OSU" or is_finite(np.asarray(array))
