# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an artifact is to say of its precision, once it is known what was compiled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tfnative.manifest import LayerPrecision, Precision
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.source import BATCH
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Convolution, Dot
from tfnative_aot.program.traverse import walk
from tfnative_aot.quantize.output_errors import output_errors
from tfnative_aot.split.divide import Prepared
from tfnative_aot.verify.golden import Inputs, chunks

if TYPE_CHECKING:
    from tfnative_aot.verify.samples import Arrays, Sampler

_ROWS = 16


def precision_of(
    prepared: Prepared,
    sampler: Sampler,
    programs: Sequence[Program],
    asked: str,
    user_inputs: Inputs | None,
) -> Precision:
    """What became of a signature's weights, and how far its outputs moved by it.

    Args:
        prepared: The signature, whose weights were rounded.
        sampler: Draws inputs for it.
        programs: All of the signature.
        asked: The precision that was asked for.
        user_inputs: Those of the user, which are looked at, too.
    """
    assert prepared.exact is not None
    graph = prepared.graph
    inputs = list(_inputs(sampler, user_inputs))
    expected = [prepared.exact.run(graph.signature, each) for each in inputs]
    found = [prepared.model.run(graph.signature, each) for each in inputs]
    names = {t.name: graph.has_batch and _has_rows(t) for t in graph.outputs}
    return Precision(
        asked,
        tuple(_as_compiled(layer, programs) for layer in prepared.layers),
        tuple(output_errors(names, expected, found)),
    )


def _as_compiled(layer: LayerPrecision, programs: Sequence[Program]) -> LayerPrecision:
    """What is stored: where XLA's own code multiplies, that reads floats."""
    types = {
        step.rhs.shape.dtype
        for program in programs
        for step in walk(program.steps)
        if isinstance(step, Dot | Convolution)
        and f"/{step.source.op_name}".endswith(f"/{layer.node}")
    }
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
