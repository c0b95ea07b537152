# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Counts what a model computes and reads, in its frozen graph.

Products and convolutions only: the rest can be done while their operands are loaded,
or folded into them. A loop counts as often as it runs. (TensorFlow's own profiler
leaves out bodies of loops, and Einsum.)
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

LOOPS = ("While", "StatelessWhile")
CONVOLUTIONS = ("Conv2D", "Conv3D")
GATHERS = ("Gather", "GatherV2", "ResourceGather")


@dataclass(frozen=True)
class Work:
    """What no implementation of a model can do without, for one number of rows.

    Attributes:
        flops: Multiplications and additions of its products and convolutions.
        bytes: Weights that are read, inputs, and outputs.
    """

    flops: int
    bytes: int


def count(serve: Any, rows: int) -> Work:
    """Counts a signature for so many rows; its SavedModel has to stay loaded."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    specs = {
        name: tf.TensorSpec((rows, *spec.shape[1:]), spec.dtype, name=name)
        for name, spec in serve.structured_input_signature[1].items()
    }

    def serve_rows(**tensors: Any) -> Any:
        return serve(**tensors)

    static = tf.function(serve_rows, autograph=False).get_concrete_function(**specs)
    frozen = convert_variables_to_constants_v2(static, lower_control_flow=False)
    return _Counter(rows).work(frozen)


class _Counter:
    """Counts in graphs whose sizes are known, but for some that are the rows.

    TensorFlow loses the number of rows in what a loop returns.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def work(self, frozen: Any) -> Work:
        constants = [op for op in frozen.graph.get_operations() if op.type == "Const"]
        read = sum(map(self._bytes_read, constants))
        moved = sum(map(self._bytes, [*frozen.inputs, *frozen.outputs]))
        return Work(flops=self._flops(frozen.graph), bytes=read + moved)

    def _flops(self, graph: Any) -> int:
        return sum(map(self._flops_of, graph.get_operations()))

    def _flops_of(self, op: Any) -> int:
        """Two for each multiplication whose result is added to a sum."""
        if op.type in LOOPS:
            return _steps(op) * self._flops(_body(op))
        if op.type == "MatMul":
            depth = self._shape(op.inputs[0])[0 if op.get_attr("transpose_a") else 1]
        elif op.type.startswith("BatchMatMul"):
            depth = self._shape(op.inputs[0])[-2 if op.get_attr("adj_x") else -1]
        elif op.type == "Einsum":
            depth = self._einsum_depth(op)
        elif op.type in CONVOLUTIONS:
            depth = prod(op.inputs[1].shape[:-1])
        elif op.type == "DepthwiseConv2dNative":
            depth = prod(op.inputs[1].shape[:2])
        else:
            return 0
        return 2 * prod(self._shape(op.outputs[0])) * depth

    def _einsum_depth(self, op: Any) -> int:
        """Product of the sizes that are summed over."""
        terms, _, output = op.get_attr("equation").decode().partition("->")
        sizes = {
            label: size
            for term, tensor in zip(terms.split(","), op.inputs, strict=True)
            for label, size in zip(term, self._shape(tensor), strict=True)
        }
        return prod(size for label, size in sizes.items() if label not in output)

    def _bytes_read(self, constant: Any) -> int:
        """Of a table from which only some rows are looked up, these rows."""
        (tensor,) = constant.outputs
        users = _users(tensor)
        if users and all(user.type in GATHERS for user in users):
            looked_up = sum(self._bytes(user.outputs[0]) for user in users)
            return min(self._bytes(tensor), looked_up)
        return self._bytes(tensor)

    def _bytes(self, tensor: Any) -> int:
        elements = prod(self._shape(tensor)) if tensor.shape.rank else 1
        return int(elements * tensor.dtype.size)

    def _shape(self, tensor: Any) -> list[int]:
        first, *others = tensor.shape.as_list()
        if None in others:
            raise ValueError(f"{tensor.name} has unknown sizes: {tensor.shape}")
        return [self._rows if first is None else first, *others]


def _users(tensor: Any) -> list[Any]:
    found = []
    for user in tensor.consumers():
        through = user.type == "Identity"
        found += _users(user.outputs[0]) if through else [user]
    return found


def _steps(loop: Any) -> int:
    """tf.while_loop passes its maximum number of steps as the second operand.

    It may hang on the shapes of the inputs, but not on their values.
    """
    import tensorflow as tf

    inputs = [op.outputs[0] for op in loop.graph.get_operations() if _is_input(op)]
    zeros = {x.name: np.zeros(x.shape, x.dtype.as_numpy_dtype) for x in inputs}
    with tf.compat.v1.Session(graph=loop.graph) as session:
        return int(session.run(loop.inputs[1], zeros))


def _is_input(op: Any) -> bool:
    return bool(op.type == "Placeholder")


def _body(loop: Any) -> Any:
    """The graph of a loop's body, with the shapes of its operands."""
    import tensorflow as tf
    from tensorflow.python.framework import function_def_to_graph as converter

    name = loop.get_attr("body").name
    library = loop.graph.as_graph_def().library
    (body,) = (f for f in library.function if f.signature.name == name)
    for noted in (*body.arg_attr.values(), *body.node_def):  # With unknown rows.
        noted.attr.pop("_output_shapes", None)
    shapes = [tensor.shape for tensor in loop.inputs]
    definition, _ = converter.function_def_to_graph_def(body, shapes)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
    return graph
