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
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.source import BATCH
from tfnative_aot.program.passes.stored_weights import find_node
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Convolution, Dot
from tfnative_aot.program.traverse import walk
from tfnative_aot.quantize.output_errors import output_errors
from tfnative_aot.split.divide import Prepared
from tfnative_aot.verify.golden import Inputs, chunks
from tfnative_aot.verify.verify import Allowed, typical_errors

if TYPE_CHECKING:
    from tfnative_aot.verify.samples import Arrays, Sampler

_ROWS = 16
AT_ONCE = 64
"""Rows that TensorFlow is asked for together."""

_OF_LARGEST, _OF_TYPICAL = 0.5, 0.25


Samples = Sequence[Mapping[str, npt.NDArray[np.generic]]]


@dataclass(frozen=True)
class Answers:
    """What a signature gives for the same inputs.

    Attributes:
        samples: Which inputs these are, as OutputPrecision says it.
        expected: In float32.
        found: In lower precision.
        weights_alone: Where nothing but weights is rounded.
    """

    samples: str
    expected: Samples
    found: Samples
    weights_alone: Samples

    def moved(self, name: str) -> Iterator[Allowed]:
        """How far rounding what is multiplied moves an output, for each sample."""
        for a, b in zip(self.found, self.weights_alone, strict=True):
            yield typical_errors(a[name], b[name])


def allowed(answers: Sequence[Answers]) -> Mapping[str, Allowed]:
    """How far outputs may be from the reference if it rounds what is multiplied.

    A number in the middle between two steps becomes the one or the other by its
    last bit. That is rare, and little beside what all of them lose.
    """
    names = answers[0].expected[0] if answers and answers[0].expected else ()
    found = {}
    for name in names:
        moved = [each for group in answers for each in group.moved(name)]
        found[name] = Allowed(
            largest=_OF_LARGEST * max(each.largest for each in moved),
            typical=_OF_TYPICAL * max(each.typical for each in moved),
        )
    return found


def ask(
    prepared: Prepared, sampler: Sampler, user_inputs: Inputs | None
) -> Sequence[Answers]:
    """Asks TensorFlow.

    Args:
        prepared: A signature whose weights were rounded.
        sampler: Draws inputs for it.
        user_inputs: Those of the user, or None to draw some.
    """
    if user_inputs is None and prepared.samples:
        groups = {
            name: [sampler.fed(dict(each)) for each in batches]
            for name, batches in prepared.samples.items()
        }
    else:
        kind = "drawn" if user_inputs is None else "given"
        groups = {kind: list(_inputs(sampler, user_inputs))}
    return [_answers(prepared, name, inputs) for name, inputs in groups.items()]


def _answers(prepared: Prepared, name: str, inputs: Sequence[Arrays]) -> Answers:
    assert prepared.exact is not None

    def answers(model: LoadedModel) -> Samples:
        return [model.run(prepared.graph.signature, each) for each in inputs]

    found, alone = answers(prepared.model), prepared.weights_alone
    return Answers(
        samples=name,
        expected=answers(prepared.exact),
        found=found,
        weights_alone=found if alone is None else answers(alone),
    )


def precision_of(
    prepared: Prepared,
    answers: Sequence[Answers],
    programs: Sequence[Program],
    asked: str,
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
        tuple(
            replace(error, samples=group.samples)
            for group in answers
            for error in output_errors(names, group.expected, group.found)
        ),
        prepared.notes,
        prepared.choice,
    )


def _as_compiled(layer: LayerPrecision, programs: Sequence[Program]) -> LayerPrecision:
    """What is stored: where XLA's own code multiplies, that reads floats."""
    if layer.computed == "int8":
        return layer  # A kernel of its own reads it.
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
    if layer.stored == "float32" or layer.op == "GatherV2":
        return layer
    if types <= {"f32"}:
        reason = "it is rounded, but XLA's own code computes it"
        return replace(layer, stored="float32", reason=reason)
    if "f32" in types:
        reason = "for some numbers of rows, it is stored as float32 as well"
        return replace(layer, reason=reason)
    return layer


def _has_rows(tensor: GraphTensor) -> bool:
    """Whether it has a row for each row; its shape may not be known yet."""
    return tensor.shape is None or tensor.shape[:1] == (BATCH,)


def _inputs(sampler: Sampler, user_inputs: Inputs | None) -> Iterator[Arrays]:
    if user_inputs is None:
        yield sampler.fed(sampler.draw(_ROWS))
        return
    batched = [t.name for t in sampler.graph.inputs if _has_rows(t)]
    rows = len(user_inputs[batched[0]]) if batched else 1
    for chunk in chunks(sampler.graph, user_inputs, rows):
        for first in range(0, rows, AT_ONCE):
            part = {
                name: array[first : first + AT_ONCE] if name in batched else array
                for name, array in chunk.items()
            }
            yield sampler.fed(part)
