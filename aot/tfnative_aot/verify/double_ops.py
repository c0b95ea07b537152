# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Operations that float64 does not have, in others that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot import adapters

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


class NoDoubleGraphError(Exception):
    """A graph cannot be computed in float64; the message says why."""


# What they give is drawn, and differs from type to type.
KEPT = frozenset(
    {
        "StatelessRandomNormal",
        "StatelessRandomNormalV2",
        "StatelessRandomUniform",
        "StatelessRandomUniformV2",
        "StatelessTruncatedNormal",
        "StatelessTruncatedNormalV2",
    }
)
"""Operations that compute in float32 as before; what they give becomes float64."""

_FLOAT = 1
_DOUBLE = 2
_INT = 3
_HALF = 19
_SHORT = frozenset({_FLOAT, _HALF})


def widen_output(node: NodeDef) -> list[NodeDef]:
    """A node under another name, and in its place a cast of its only output."""
    graph = GraphDef()
    kept = graph.node.add()
    kept.CopyFrom(node)
    kept.name = f"{node.name}/short"
    cast = graph.node.add(name=node.name, op="Cast", input=[kept.name])
    cast.attr["SrcT"].type = node.attr["dtype"].type
    cast.attr["DstT"].type = _DOUBLE
    return list(graph.node)


def _batch_norm(node: NodeDef) -> list[NodeDef]:
    """Inference: (x - mean) * scale / sqrt(variance + epsilon) + offset.

    Its other outputs, which training reads, are not made: whoever reads them makes the
    graph invalid.
    """
    if node.attr["is_training"].b or "is_training" not in node.attr:
        raise NoDoubleGraphError(f"{node.op} is that of training")
    graph = GraphDef()
    name = node.name
    x, scale, offset, mean, variance = list(node.input)[:5]
    controls = list(node.input)[5:]

    def add(op: str, suffix: str, *inputs: str) -> str:
        made = graph.node.add(name=name + suffix, op=op, input=inputs)
        made.attr["T"].type = _DOUBLE
        return str(made.name)

    def constant(suffix: str, value: object, dtype: int) -> str:
        made = graph.node.add(name=name + suffix, op="Const")
        made.attr["dtype"].type = dtype
        made.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        return str(made.name)

    def for_channels(suffix: str, tensor: str) -> str:
        if node.attr["data_format"].s != b"NCHW":
            return tensor
        shape = constant(f"{suffix}/shape", np.array([-1, 1, 1], np.int32), _INT)
        made = add("Reshape", suffix, tensor, shape)
        graph.node[-1].attr["Tshape"].type = _INT
        return made

    epsilon = constant("/float64/epsilon", np.float64(node.attr["epsilon"].f), _DOUBLE)
    spread = add(
        "Rsqrt", "/float64/rsqrt", add("AddV2", "/float64/variance", variance, epsilon)
    )
    factor = for_channels(
        "/float64/factor", add("Mul", "/float64/scaled", spread, scale)
    )
    centred = add("Sub", "/float64/centred", x, for_channels("/float64/mean", mean))
    product = add("Mul", "/float64/product", centred, factor)
    add("AddV2", "", product, for_channels("/float64/offset", offset), *controls)
    return list(graph.node)


def _in_float32(node: NodeDef) -> list[NodeDef]:
    """An op that chooses or cuts by float32 alone, of inputs that are rounded to it."""
    graph = GraphDef()
    short = graph.node.add()
    short.CopyFrom(node)
    short.name = f"{node.name}/float32/op"
    definition = adapters.tf().op_definition(node.op)

    def cast(name: str, source: str, given: int, wanted: int) -> str:
        made = graph.node.add(name=f"{node.name}/float32/{name}", op="Cast")
        made.input.append(source)
        made.attr["SrcT"].type, made.attr["DstT"].type = given, wanted
        return str(made.name)

    for place, argument in enumerate(definition.input_arg):
        kind = _type_of(node, argument)
        if kind in _SHORT:
            name = f"input_{place}"
            short.input[place] = cast(name, node.input[place], _DOUBLE, kind)
    # One node with all outputs, under the name that they are read by.
    every = graph.node.add(name=node.name, op="IdentityN")
    for place, argument in enumerate(definition.output_arg):
        kind, tensor = _type_of(node, argument), f"{short.name}:{place}"
        if kind in _SHORT:
            tensor, kind = cast(f"output_{place}", tensor, kind, _DOUBLE), _DOUBLE
        every.input.append(tensor)
        every.attr["T"].list.type.append(kind)
    return list(graph.node)


def _type_of(node: NodeDef, argument: Any) -> int:
    if not argument.type_attr:
        return int(argument.type)
    if argument.type_attr in node.attr:
        return int(node.attr[argument.type_attr].type)
    return _FLOAT  # Their default.


EQUIVALENTS: Mapping[str, Callable[[NodeDef], list[NodeDef]]] = {
    "FusedBatchNorm": _batch_norm,
    "FusedBatchNormV2": _batch_norm,
    "FusedBatchNormV3": _batch_norm,
    "CombinedNonMaxSuppression": _in_float32,
    "CropAndResize": _in_float32,
    **dict.fromkeys(
        (f"NonMaxSuppressionV{version}" for version in (2, 3, 4, 5)), _in_float32
    ),
}
"""By operation, what makes its equal in float64."""
