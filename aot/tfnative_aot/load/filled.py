# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Constants of a compiled model that stand for variables, or for fixed inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

# TensorFlow leaves attributes alone that begin with an underscore.
_FILLED = "_filled"


def is_filled(node: NodeDef) -> bool:
    """Whether a Const stands for what TensorFlow does not know before it runs."""
    return _FILLED in node.attr


def become_constant(node: NodeDef, value: Any) -> None:
    """Lets a Placeholder be a Const from now on, which stands for an input.

    Args:
        node: The node. Its control inputs stay.
        value: An array of its element type, or a scalar.
    """
    dtype = tf.dtypes.as_dtype(node.attr["dtype"].type)
    controls = [name for name in node.input if name.startswith("^")]
    node.op = "Const"
    node.attr.clear()
    del node.input[:]
    node.input.extend(controls)
    node.attr["dtype"].type = dtype.as_datatype_enum
    proto = tf.make_tensor_proto(value, dtype, np.shape(value))
    node.attr["value"].tensor.CopyFrom(proto)
    _mark(node)


def mark_variables(graph_def: GraphDef, source: GraphDef) -> None:
    """Marks the constants of a graph that are none in the one that it was made of."""
    known = {node.name for node in source.node if node.op == "Const"}
    for node in graph_def.node:
        if node.op == "Const" and node.name not in known:
            _mark(node)


def _mark(node: NodeDef) -> None:
    node.attr[_FILLED].b = True
