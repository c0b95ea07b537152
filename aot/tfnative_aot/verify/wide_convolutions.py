# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a graph with its convolutions in float64, for batches without rows.

TensorFlow's oneDNN kernels give the convolution of an empty batch the channels of its
input, and what follows fails on them. TensorFlow's own kernels, which run on other
machines, and here for float64, do not. Of nothing there is nothing to round.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.graph import FrozenGraph

# Their inputs of the type T.
_CONVOLUTIONS = {
    "Conv2D": (0, 1),
    "Conv3D": (0, 1),
    "DepthwiseConv2dNative": (0, 1),
    "Conv2DBackpropInput": (1, 2),
    "Conv3DBackpropInputV2": (1, 2),
}


def run_wide(
    graph: FrozenGraph, feeds: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]] | None:
    """The outputs of a graph, by name; None if it has no convolutions.

    Raises:
        Exception: Whatever TensorFlow raises.
    """
    widened = _widened(graph.graph_def)
    if widened is None:
        return None
    imported = tf.Graph()
    with imported.as_default():
        tf.graph_util.import_graph_def(widened, name="")
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.compat.v1.Session(graph=imported, config=config) as session:
        found: dict[str, NDArray[Any]] = session.run(
            {output.name: output.tensor for output in graph.outputs},
            {tensor.tensor: feeds[tensor.name] for tensor in graph.inputs},
        )
    return found


def _widened(graph_def: GraphDef) -> GraphDef | None:
    changed = type(graph_def)()
    changed.CopyFrom(graph_def)
    count = sum(_widen(changed.node, node, "") for node in list(changed.node))
    for function in changed.library.function:
        for node in list(function.node_def):
            if not _widen(function.node_def, node, ":y:0"):
                continue
            count += 1
            old, new = f"{node.name}:output:0", f"{node.name}:y:0"
            for reader in function.node_def:
                for place, name in enumerate(reader.input):
                    if name == old:
                        reader.input[place] = new
            for key, name in function.ret.items():
                if name == old:
                    function.ret[key] = new
    return changed if count else None


def _widen(nodes: Any, node: NodeDef, cast_output: str) -> bool:
    """Makes a convolution the cast of one in float64; says whether it was one."""
    narrow = node.attr["T"].type
    if node.op not in _CONVOLUTIONS or narrow == tf.float64.as_datatype_enum:
        return False
    wide = nodes.add()
    wide.CopyFrom(node)
    wide.name = f"{node.name}/wide"
    wide.attr["T"].type = tf.float64.as_datatype_enum
    for place in _CONVOLUTIONS[node.op]:
        cast = nodes.add(name=f"{wide.name}_{place}", op="Cast")
        cast.input.append(node.input[place])
        cast.attr["SrcT"].type = narrow
        cast.attr["DstT"].type = tf.float64.as_datatype_enum
        wide.input[place] = cast.name + cast_output
    del node.input[:]
    node.input.append(wide.name + (":output:0" if cast_output else ""))
    node.op = "Cast"
    node.attr.clear()
    node.attr["SrcT"].type = tf.float64.as_datatype_enum
    node.attr["DstT"].type = narrow
    return True
