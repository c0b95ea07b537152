# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs to try a split model on: strings, from what it knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfnative.errors import CompileError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.source import BATCH, SourceGraph
from tfnative_aot.verify.golden import as_bytes
from tfnative_aot.verify.random_messages import parsers, random_message
from tfnative_aot.verify.samples import Arrays, Domain, Sample, Sampler, has_batch

if TYPE_CHECKING:
    from pathlib import Path

    from tensorflow.core.framework.graph_pb2 import GraphDef

    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.split.tensorflow_part import HeadRunner
    from tfnative_aot.verify.random_messages import Features

_MOST_WORDS = 200
_MESSAGES = 24
NUMBERS = [str(n).encode() for n in range(10)]
_TEXTS = [b"", b"a", b"to be or not", b"x = 1\n", "Gr\u00fc\u00dfe".encode()]


class SplitSampler(Sampler):
    """Draws inputs for a model of which TensorFlow runs the head.

    Samples have the inputs of the whole model.
    """

    def __init__(
        self,
        model: LoadedModel,
        core: Sampler,
        graph: SourceGraph,
        shapes: Mapping[str, tuple[int, ...]],
        runner: HeadRunner | None,
        given: Arrays | None,
    ) -> None:
        """Makes a sampler.

        Args:
            model: The whole model.
            core: Draws inputs for what is compiled.
            graph: The whole, or what is known of it: its strings are drawn from.
            shapes: Of the inputs of the whole.
            runner: The head; None if there is only a tail.
            given: Inputs of the user's, whose strings are drawn from.
        """
        signature = model.signature(core.graph.signature)
        inputs = tuple(
            GraphTensor(spec.name, spec.tensor, spec.dtype, shapes[spec.name])
            for spec in signature.inputs
        )
        super().__init__(model, replace(core.graph, inputs=inputs), core.casts)
        self._core = core
        self._runner = runner
        self._words = known_words(graph.graph_def, model.assets)
        self._pools = [self._words, NUMBERS, images()]
        self._given = given or {}
        self._parsers = parsers(graph)

    def sample(self, rows: int) -> Sample:
        """A sample of ``rows`` rows. Raises CompileError."""
        while True:
            try:
                return super().sample(rows)
            except CompileError:
                if len(self._pools) == 1:
                    raise
                del self._pools[0]

    def head_keeps_rows(self) -> bool:
        """Whether the head gives a row what it gives it among fewer rows."""
        if self._runner is None:
            return True
        inputs = self.sample(4).inputs
        batched = {tensor.name for tensor in self.graph.inputs if has_batch(tensor)}
        fed = self.fed(inputs)
        self._check_rows(fed, 4)
        try:
            fewer = self.fed(
                {n: a[:2] if n in batched else a for n, a in inputs.items()}
            )
        except Exception:  # Whatever TensorFlow raises where it needs more.
            return False
        for tensor in self._core.graph.inputs:
            rows = fed[tensor.name][:2] if has_batch(tensor) else fed[tensor.name]
            if not np.array_equal(fewer[tensor.name], rows, equal_nan=_real(rows)):
                return False
        return True

    @property
    def compiled(self) -> Sampler:
        """Draws inputs for the compiled code by itself."""
        return self._core

    def fed(self, inputs: Arrays) -> Arrays:
        """The inputs of the compiled code, some of which the head computes."""
        fed = self._runner.run(inputs) if self._runner else {}
        names = [tensor.name for tensor in self._core.graph.inputs]
        return {name: np.asarray(fed.get(name, inputs.get(name))) for name in names}

    def _check_rows(self, fed: Arrays, rows: int) -> None:
        for tensor in self._core.graph.inputs:
            if has_batch(tensor) and len(fed[tensor.name]) != rows:
                raise CompileError(
                    f"signature {self.graph.signature!r}: it cannot be cut: for {rows} "
                    f"rows, its head gives {len(fed[tensor.name])} of {tensor.name!r}"
                )

    def _draw(
        self, rows: int, domain: Domain
    ) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
        numbers = [t for t in self._graph.inputs if t.dtype != "string"]
        yield from self._draw_numbers(numbers, rows, domain)
        rng = np.random.default_rng(2018)
        for tensor in self._graph.inputs:
            if tensor.dtype != "string":
                continue
            pool = self._pools[0]
            if tensor.name in self._given:
                pool = as_bytes(self._given[tensor.name]).ravel().tolist()
            elif tensor.name in self._parsers:
                pool = self._messages(self._parsers[tensor.name], domain)
            shape = tuple(rows if s == BATCH else s for s in tensor.shape or ())
            chosen = rng.integers(0, len(pool), shape)
            yield tensor.name, np.asarray(objects(pool)[chosen], object)

    def _messages(self, features: Features, domain: Domain) -> list[bytes]:
        rng = np.random.default_rng(2019)
        return [
            random_message(features, self._pools[0], domain, rng)
            for _ in range(_MESSAGES)
        ]


def objects(strings: Sequence[bytes]) -> npt.NDArray[np.object_]:
    """An array of strings. NumPy's own would drop zeros at their ends."""
    array = np.empty(len(strings), object)
    array[:] = strings
    return array


def known_words(graph_def: GraphDef, assets: Sequence[Path]) -> list[bytes]:
    """Strings that a graph looks for, of its constants and assets, and a few others."""
    words: list[bytes] = []
    for asset in assets:
        with asset.open("rb") as file:
            lines = file.read(1 << 16).splitlines()
        words += lines[: _MOST_WORDS // 2]
    for node in graph_def.node:
        value = node.attr["value"].tensor if node.op == "Const" else None
        if value is not None and value.dtype == tf.string.as_datatype_enum:
            words += list(value.string_val)[: _MOST_WORDS // 10]
    return [*words[:_MOST_WORDS], *_TEXTS]


def images() -> list[bytes]:
    """A few JPEG files."""
    pixels = np.random.default_rng(5).integers(0, 256, (4, 32, 32, 3), np.uint8)
    return [bytes(tf.io.encode_jpeg(image).numpy()) for image in pixels]


def _real(array: npt.NDArray[np.generic]) -> bool:
    return array.dtype.kind in "fc"
