# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes of TensorFlow's own graph one that computes the same in float64.

It is made of the graph before any rewrite of ours, so that a wrong rewrite cannot make
the compiled code and what judges it agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot import adapters
from tfnative_aot.verify.double_ops import (
    EQUIVALENTS,
    KEPT,
    NoDoubleGraphError,
    widen_output,
)

if TYPE_CHECKING:
    from tensorflow.core.framework.attr_value_pb2 import AttrValue
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.load.source import SourceGraph

_WIDER = {
    "float32": "float64",
    "float16": "float64",
    "bfloat16": "float64",
    "complex64": "complex128",
}
_LARGE_BYTES = 1 << 16
# They look at the bits of floats, of which others have others.
_BITS = frozenset({"Bitcast", "DecodeRaw", "DecodePaddedRaw", "NextAfter"})


def double_graph(source: SourceGraph) -> GraphDef:
    """A copy of a graph in which float64 stands for all shorter floats.

    Args:
        source: TensorFlow's graph with constants in the place of variables. The names
            of its inputs and outputs are those of the copy.

    Raises:
        NoDoubleGraphError: An operation has no equal in float64.
    """
    wide = _enum_table()
    made = GraphDef(versions=source.graph_def.versions)
    made.library.CopyFrom(source.graph_def.library)
    own = {function.signature.name for function in made.library.function}
    made.node.extend(_nodes(source.graph_def.node, own, wide))
    for function in made.library.function:
        _widen_function(function, own, wide)
    return made


def wider(dtype: str) -> str:
    """The type that stands for ``dtype`` in such a graph."""
    return _WIDER.get(dtype, dtype)


def _enum_table() -> dict[int, int]:
    def number(dtype: str) -> int:
        return int(tf.dtypes.as_dtype(dtype).as_datatype_enum)

    return {number(short): number(wide) for short, wide in _WIDER.items()}


def _nodes(
    nodes: Iterable[NodeDef], own: set[str], wide: Mapping[int, int]
) -> list[NodeDef]:
    made: list[NodeDef] = []
    for node in nodes:
        if node.op in KEPT or _is_large(node, wide):
            made += widen_output(node)
        elif node.op in EQUIVALENTS:
            made += EQUIVALENTS[node.op](node)
        else:
            copy = type(node)()
            copy.CopyFrom(node)
            _widen(copy, own, wide)
            made.append(copy)
    return made


def _is_large(node: NodeDef, wide: Mapping[int, int]) -> bool:
    """Whether it is a constant that TensorFlow itself had better make longer."""
    if node.op != "Const" or node.ByteSize() < _LARGE_BYTES:
        return False
    kind = node.attr["dtype"].type
    return wide.get(kind) == int(tf.float64.as_datatype_enum)


def _widen_function(
    function: FunctionDef, own: set[str], wide: Mapping[int, int]
) -> None:
    signature = function.signature
    for argument in (*signature.input_arg, *signature.output_arg):
        argument.type = wide.get(argument.type, argument.type)
    for value in function.attr.values():
        _widen_attribute(value, wide)
    for node in function.node_def:
        if node.op in KEPT or node.op in EQUIVALENTS:
            raise NoDoubleGraphError(f"{node.op} in a function")
        _widen(node, own, wide)


def _widen(node: NodeDef, own: set[str], wide: Mapping[int, int]) -> None:
    """Changes the types of a node. Raises NoDoubleGraphError where it has none."""
    if node.op not in own:
        _check(node, wide)
    for value in node.attr.values():
        _widen_attribute(value, wide)


def _check(node: NodeDef, wide: Mapping[int, int]) -> None:
    definition = adapters.tf().op_definition(node.op)
    if definition is None:
        raise NoDoubleGraphError(f"{node.op} is not known")
    if node.op in _BITS and any(v.type in wide for v in node.attr.values()):
        raise NoDoubleGraphError(f"{node.op} reads the bits of floats")
    for argument in (*definition.input_arg, *definition.output_arg):
        if argument.type in wide:
            raise NoDoubleGraphError(f"{node.op} has no other type than float32")
    for attribute in definition.attr:
        if attribute.name not in node.attr and attribute.default_value.type in wide:
            node.attr[attribute.name].type = attribute.default_value.type
        allowed = attribute.allowed_values.list.type
        if attribute.name not in node.attr or not allowed:
            continue
        value = node.attr[attribute.name]
        types = value.list.type if value.HasField("list") else [value.type]
        if any(wide.get(t, t) not in allowed for t in types):
            raise NoDoubleGraphError(f"{node.op} does not compute in float64")


def _widen_attribute(value: AttrValue, wide: Mapping[int, int]) -> None:
    if value.type in wide:
        value.type = wide[value.type]
    for place, found in enumerate(value.list.type):
        value.list.type[place] = wide.get(found, found)
    if value.HasField("tensor") and value.tensor.dtype in wide:
        array = tf.make_ndarray(value.tensor)
        kind = np.complex128 if array.dtype.kind == "c" else np.float64
        value.tensor.CopyFrom(tf.make_tensor_proto(array.astype(kind)))
    if value.HasField("func"):
        for inner in value.func.attr.values():
            _widen_attribute(inner, wide)
