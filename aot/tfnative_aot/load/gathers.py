# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Gathers from variables, in functions.

TensorFlow's conversion of variables to constants leaves ResourceGather as it is inside
of functions, while what it reads becomes a tensor. Here it becomes a read and a gather
from what was read, which the conversion knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_GATHERS = {"ResourceGather": "GatherV2", "ResourceGatherNd": "GatherNd"}


def read_what_is_gathered(graph_def: GraphDef) -> GraphDef:
    """Replaces gathers from variables in the functions of a graph."""
    functions = graph_def.library.function
    if not any(node.op in _GATHERS for f in functions for node in f.node_def):
        return graph_def
    changed = GraphDef()
    changed.CopyFrom(graph_def)
    for function in changed.library.function:
        for node in list(function.node_def):
            if node.op in _GATHERS:
                _replace(function, node)
    return changed


def _replace(function: FunctionDef, node: NodeDef) -> None:
    dtype, indices = node.attr["dtype"].type, node.attr["Tindices"].type
    batch_dims = node.attr["batch_dims"].i
    read = function.node_def.add(name=f"{node.name}/read", op="ReadVariableOp")
    read.input.extend([node.input[0], *(i for i in node.input if i.startswith("^"))])
    read.attr["dtype"].type = dtype
    node.input[0] = f"{read.name}:value:0"
    node.op = _GATHERS[node.op]
    node.attr.clear()
    node.attr["Tparams"].type = dtype
    node.attr["Tindices"].type = indices
    if node.op == "GatherV2":
        axis = function.node_def.add(name=f"{node.name}/axis", op="Const")
        value = tf.make_tensor_proto(batch_dims, tf.int32)
        axis.attr["value"].tensor.CopyFrom(value)
        axis.attr["dtype"].type = value.dtype
        node.input.insert(2, f"{axis.name}:output:0")
        node.attr["Taxis"].type = value.dtype
        node.attr["batch_dims"].i = batch_dims
