# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an artifact is to say of its precision, once it is known what was compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tfnative.manifest import LayerPrecision, Precision
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.source import BATCH
from tfnative_aot.program.passes.stored_weights import find_node
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Convolution, Dot
from tfnative_aot.program.traverse import walk
from tfnative_aot.quantize.output_errors import output_errors
from tfnative_aot.split.divide import Prepared
from tfnative_aot.verify.golden import Inputs, chunks
from tfnative_aot.verify.verify import errors

if TYPE_CHECKING:
    from tfnative_aot.verify.samples import Arrays, Sampler

_ROWS = 16
_ALLOWED = 0.5


@dataclass(frozen=True)
class Answers:
    """What a signature gives in float32 and in lower precision for the same inputs."""

    expected: Sequence[Mapping[str, npt.NDArray[np.generic]]]
    found: Sequence[Mapping[str, npt.NDArray[np.generic]]]

    def tolerances(self) -> Mapping[str, float]:
        """How far outputs may be from the reference, in parts of their largest value.

        A number in the middle between two steps becomes the one or the other by its
        last bit. That is little beside what all of them lose; a mistake is as much.
        """
        names = self.expected[0] if self.expected else ()
        return {
            name: _ALLOWED
            * max(
                errors(found[name], expected[name])[1]
                for expected, found in zip(self.expected, self.found, strict=True)
            )
            for name in names
        }


def ask(prepared: Prepared, sampler: Sampler, user_inputs: Inputs | None) -> Answers:
    """Asks TensorFlow.

    Args:
        prepared: A signature whose weights were rounded.
        sampler: Draws inputs for it.
        user_inputs: Those of the user, or None to draw some.
    """
    assert prepared.exact is not None
    name, exact = prepared.graph.signature, prepared.exact
    inputs = list(_inputs(sampler, user_inputs))
    return Answers(
        [exact.run(name, each) for each in inputs],
        [prepared.model.run(name, each) for each in inputs],
    )


def precision_of(
    prepared: Prepared, answers: Answers, programs: Sequence[Program], asked: str
) -> Precision:
    """What became of a signature's weights, and how far its outputs moved by it.

    Args:
        prepared: The signature, whose weights were rounded.
        answers: What it gives.
        programs: All of the signature.
        asked: The precision that was asked for.
    """
    graph = prepared.graph
    names = {t.name: graph.has_batch and _has_rows(t) for t in graph.outputs}
    return Precision(
        asked,
        tuple(_as_compiled(layer, programs) for layer in prepared.layers),
        tuple(output_errors(names, answers.expected, answers.found)),
    )


def _as_compiled(layer: LayerPrecision, programs: Sequence[Program]) -> LayerPrecision:
    """What is stored: where XLA's own code multiplies, that reads floats."""
    steps = [
        step
        for program in programs
        for step in walk(program.steps)
        if isinstance(step, Dot | Convolution)
        and any(find_node(part.op_name, [layer.node]) for part in step.source.all_parts)
    ]
    types = {step.rhs.shape.dtype for step in steps}
    if any(isinstance(step, Dot) and step.in_int8 for step in steps):
        return replace(layer, computed="int8")
    if layer.stored == "float32" or types != {"f32"}:
        return layer
    return replace(
        layer, stored="float32", reason="no kernel for smaller weights computes it"
    )


def _has_rows(tensor: GraphTensor) -> bool:
    """Whether it has a row for each row; its shape may not be known yet."""
    return tensor.shape is None or tensor.shape[:1] == (BATCH,)


def _inputs(sampler: Sampler, user_inputs: Inputs | None) -> Iterator[Arrays]:
    if user_inputs is not None:
        for chunk in chunks(sampler.graph, user_inputs, _ROWS):
            yield sampler.fed(chunk)
    else:
        yield sampler.fed(sampler.draw(_ROWS))
