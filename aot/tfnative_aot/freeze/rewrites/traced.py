# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A TensorFlow function as nodes that can be added to a graph, or to a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import FunctionDefLibrary, GraphDef


@dataclass(frozen=True)
class Traced:
    """What ``trace`` made.

    Attributes:
        graph: The nodes, and the functions that they call.
        inputs: Names of the nodes that stand for the arguments.
        output: Name of the node with the result.
        output_type: The result's element type, a number of tensorflow.DataType.
        free: The arguments that are not constant, by their places.
    """

    graph: GraphDef
    inputs: tuple[str, ...]
    output: str
    output_type: int
    free: tuple[int, ...]

    def add_library(self, library: FunctionDefLibrary) -> None:
        """Adds the functions that are called, under names that are not taken."""
        taken = {function.signature.name for function in library.function}
        renamed = {}
        for function in self.graph.library.function:
            name, count = function.signature.name, 1
            while name in taken:
                name, count = f"{function.signature.name}_{count}", count + 1
            renamed[function.signature.name] = name
            taken.add(name)
            added = library.function.add()
            added.CopyFrom(function)
            added.signature.name = name
        for node in self.graph.node:
            for value in node.attr.values():
                if value.func.name in renamed:
                    value.func.name = renamed[value.func.name]


def trace(
    function: Callable[..., Any],
    specs: Sequence[Any],
    values: Sequence[NDArray[Any] | None],
) -> Traced:
    """Traces a TensorFlow function of tensors with one result.

    Args:
        function: The function.
        specs: A tf.TensorSpec of each argument; one is not needed for those at the
            end that are constants.
        values: The values of the arguments that are constants.
    """
    free = [place for place, value in enumerate(values) if value is None]

    def call(*arguments: Any) -> Any:
        filled = [None if value is None else tf.constant(value) for value in values]
        for place, argument in zip(free, arguments, strict=True):
            filled[place] = argument
        return function(*filled)

    traced = tf.function(call, autograph=False).get_concrete_function(
        *(specs[place] for place in free)
    )
    (output,) = traced.outputs
    return Traced(
        graph=traced.graph.as_graph_def(),
        inputs=tuple(tensor.op.name for tensor in traced.inputs),
        output=output.op.name,
        output_type=output.dtype.as_datatype_enum,
        free=tuple(free),
    )
