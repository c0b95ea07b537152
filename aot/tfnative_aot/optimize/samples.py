# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs to run a model on at every step: the user's, or generated ones."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfnative.errors import CompileError
from tfnative_aot.load.source import Arrays, SourceGraph, TensorSpec
from tfnative_aot.optimize.given_samples import ROWS, Samples, given_samples, has_rows
from tfnative_aot.verify.random_messages import parsers, random_message
from tfnative_aot.verify.samples import (
    DOMAINS,
    Domain,
    is_finite,
    random_array,
)
from tfnative_aot.verify.split_samples import NUMBERS, images, known_words, objects

if TYPE_CHECKING:
    from tfnative._optimize.options import OptimizeOptions
    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.optimize.graph import SignatureEnds, WholeGraph
    from tfnative_aot.optimize.session import GraphSession

_OPEN_SIZES = (16, 32, 64, 224, 8, 4, 2, 1)
_RANKS = (1, 2, 4, 3)
_MESSAGES = 24
_SEED = 2017


def make_samples(
    graph: WholeGraph,
    model: LoadedModel,
    session: GraphSession,
    options: OptimizeOptions,
) -> tuple[Samples, list[str]]:
    """Inputs for every signature, and those that were given none beside others.

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
    given = {} if data is None else given_samples(data, graph, options.samples)
    rows = options.samples or ROWS
    found, generated = {}, []
    for ends in graph.ends:
        name = ends.signature.name
        if name in given:
            found[name] = given[name]
            continue
        found[name] = _Drawn(graph, ends, model, session).batches(rows)
        if data is not None:
            generated.append(name)
    return found, generated


def one_row(batch: Arrays, specs: Sequence[TensorSpec]) -> Arrays:
    """The first row of a batch."""
    return {s.name: batch[s.name][:1] if has_rows(s) else batch[s.name] for s in specs}


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
        sizes = (rows + ROWS - 1) // ROWS
        for draw in self._ways():
            batches = [
                draw(seed, min(ROWS, rows)) for seed in range(_SEED, _SEED + sizes)
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
