# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs to try a split model on: strings, from what its head knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfnative.errors import CompileError
from tfnative_aot.graph import BATCH, FrozenGraph, GraphTensor
from tfnative_aot.samples import Arrays, Domain, Sample, Sampler

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tfnative.manifest import TensorFlowHead
    from tfnative_aot.cut import Cut
    from tfnative_aot.load_model import LoadedModel
    from tfnative_aot.tensorflow_head import HeadRunner

_MOST_WORDS = 200
_NUMBERS = [str(n).encode() for n in range(10)]
_TEXTS = [b"", b"a", b"to be or not", b"x = 1\n", "Gr\u00fc\u00dfe".encode()]


class SplitSampler(Sampler):
    """Draws inputs for a model of which TensorFlow runs the head.

    Samples have the inputs of the whole model.
    """

    def __init__(
        self,
        model: LoadedModel,
        graph: FrozenGraph,
        shapes: Mapping[str, tuple[int, ...]],
        head: TensorFlowHead,
        runner: HeadRunner,
        words: Sequence[bytes],
    ) -> None:
        """Args: the whole model, what is compiled, and shapes of the inputs of all."""
        signature = model.signature(graph.signature)
        inputs = tuple(
            GraphTensor(spec.name, spec.tensor, spec.dtype, shapes[spec.name])
            for spec in signature.inputs
        )
        has_batch = any(BATCH in shape for shape in shapes.values())
        super().__init__(model, replace(graph, inputs=inputs, has_batch=has_batch))
        self._head = head
        self._runner = runner
        self._compiled = [tensor.name for tensor in graph.inputs]
        self._pools = [[*words, *_TEXTS], _NUMBERS, _images()]

    def sample(self, rows: int) -> Sample:
        """A sample of ``rows`` rows. Raises CompileError."""
        while True:
            try:
                return super().sample(rows)
            except CompileError:
                if len(self._pools) == 1:
                    raise
                del self._pools[0]

    def compiled(self, inputs: Arrays) -> Arrays:
        """The inputs of the compiled code, some of which the head computes."""
        fed = self._runner.run({spec.name: inputs[spec.name] for spec in self._head.inputs})
        return {
            name: np.asarray(fed[name] if name in fed else inputs[name])
            for name in self._compiled
        }

    def _draw(
        self, rows: int, domain: Domain
    ) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
        strings = {t.name for t in self._graph.inputs if t.dtype == "string"}
        numbers = tuple(t for t in self._graph.inputs if t.name not in strings)
        yield from self._draw_numbers(numbers, rows, domain)
        rng = np.random.default_rng(2018)
        for tensor in self._graph.inputs:
            if tensor.name in strings:
                shape = tuple(rows if s == BATCH else s for s in tensor.shape or ())
                chosen = rng.integers(0, len(self._pools[0]), shape)
                pool = np.empty(len(self._pools[0]), object)
                pool[:] = self._pools[0]
                yield tensor.name, np.asarray(pool[chosen], object)


def known_words(parts: Cut, assets: Sequence[Path]) -> list[bytes]:
    """Strings that a head looks for: of its constants, and of its assets."""
    words: list[bytes] = []
    for asset in assets:
        lines = asset.read_bytes()[: 1 << 16].splitlines()
        words += lines[: _MOST_WORDS // 2]
    for node in parts.graph.graph_def.node:
        value = node.attr["value"].tensor if node.op == "Const" else None
        if value is not None and value.dtype == tf.string.as_datatype_enum:
            words += list(value.string_val)[: _MOST_WORDS // 10]
    return words[:_MOST_WORDS]


def _images() -> list[bytes]:
    pixels = np.random.default_rng(5).integers(0, 256, (4, 32, 32, 3), np.uint8)
    return [bytes(tf.io.encode_jpeg(image).numpy()) for image in pixels]
