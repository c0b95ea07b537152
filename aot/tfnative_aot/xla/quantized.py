# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Gives XLA calls of kernels in the place of functions of quantized arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative.errors import InternalError
from tfnative_aot import adapters
from tfnative_aot.freeze.own_calls import QUANTIZED, TARGET, OwnCall
from tfnative_aot.freeze.quantized import (
    PREFIX,
    Join,
    PlacedCall,
    QuantizedCall,
    gives_floats,
    takes_floats,
    words,
)

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef

    from tfnative_aot.freeze.graph import FrozenGraph


def with_quantized_calls(graph: FrozenGraph, batch: int) -> FrozenGraph:
    """The graph for a number of rows, with calls of kernels in its functions.

    Args:
        graph: The signature.
        batch: Its batch size, if it has one, or 0.

    Raises:
        InternalError: A stage before has lost a function.
    """
    if not graph.calls:
        return graph
    copy = type(graph.graph_def)()
    copy.CopyFrom(graph.graph_def)
    functions = {each.signature.name: each for each in copy.library.function}
    for name, placed in graph.calls.items():
        if name not in functions:
            raise InternalError(f"no function {name} in {graph.signature!r}")
        functions[name].CopyFrom(_calling(name, placed, batch))
        functions[name].signature.name = name
    return replace(graph, graph_def=copy)


def operand_specs(call: QuantizedCall, rows: int | None) -> Sequence[Any]:
    """A tf.TensorSpec of each operand, of some number of rows."""
    if takes_floats(call):
        return [tf.TensorSpec([rows, n], tf.float32) for n in call.in_elements]
    return [tf.TensorSpec([rows, words(n)], tf.int32) for n in call.in_elements]


def _calling(name: str, placed: PlacedCall, batch: int) -> FunctionDef:
    call, rows = placed.call, placed.rows(batch)
    width = call.out_elements if gives_floats(call) else words(call.out_elements)
    own = OwnCall(QUANTIZED, placed.op, {"call": int(name.removeprefix(PREFIX))})

    def compute(*operands: Any) -> Any:
        if isinstance(call, Join):
            return _side_by_side(operands, call)
        result, _ = adapters.tf().custom_call(
            _joined(operands, placed),
            TARGET,
            own.configuration(),
            ([rows, width], [rows, 1]),
            "call",
        )
        return result if gives_floats(call) else tf.bitcast(result, tf.int32)

    made: FunctionDef = adapters.tf().function_of(compute, operand_specs(call, rows))
    return made


def _side_by_side(operands: Sequence[Any], call: Join) -> Any:
    """Channels of a pixel fill words, which XLA can copy by itself."""
    parts = [
        tf.reshape(operand, [-1, call.pixels, words(count)])
        for operand, count in zip(operands, call.channels, strict=True)
    ]
    return tf.reshape(tf.concat(parts, 2), [-1, words(call.out_elements)])


def _joined(operands: Sequence[Any], placed: PlacedCall) -> Any:
    """What a call takes, which is one array of floats: as such, words are passed on."""
    if takes_floats(placed.call):
        return operands[0]
    first = operands[0] if len(operands) == 1 else tf.concat(operands, 1)
    return tf.bitcast(first, tf.float32)
