# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Computes quantized weights once, when the model is compiled, as TensorFlow does.

XLA knows one of Dequantize's three modes. Grappler folds small constants only, so that
large weights stay quantized in the graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

# Each has one result, of floats.
_OPS = (
    "Dequantize",
    "FakeQuantWithMinMaxArgs",
    "FakeQuantWithMinMaxVars",
    "FakeQuantWithMinMaxVarsPerChannel",
    "QuantizeAndDequantizeV2",
    "QuantizeAndDequantizeV3",
    "QuantizeAndDequantizeV4",
    "UniformDequantize",
)


def dequantize_weights(editor: GraphEditor) -> None:
    """Replaces Dequantize, and what rounds to few bits, of constants by its result."""
    for node in editor.nodes(*_OPS):
        places = [n for n, name in enumerate(node.input) if not name.startswith("^")]
        sources = [editor.constant_node(node, place) for place in places]
        if all(source is not None for source in sources):
            _fold(editor, node, [source for source in sources if source is not None])


def _fold(editor: GraphEditor, node: NodeDef, sources: list[NodeDef]) -> None:
    graph_def = GraphDef()
    graph_def.node.extend(sources)
    alone = graph_def.node.add()
    alone.CopyFrom(node)
    del alone.input[:]
    alone.input.extend(source.name for source in sources)
    for source in graph_def.node:
        kept = [name for name in source.input if not name.startswith("^")]
        del source.input[:]
        source.input.extend(kept)
    with tf.Graph().as_default() as graph:
        unique = {source.name: source for source in graph_def.node}
        tf.graph_util.import_graph_def(GraphDef(node=unique.values()), name="")
        with tf.compat.v1.Session(graph=graph) as session:
            try:
                value = session.run(f"{node.name}:0")
            except Exception:  # A range that it refuses, as it will when it runs.
                return
    constant = editor.add_constant(f"{node.name}/values", value, node)
    dtype = tf.dtypes.as_dtype(value.dtype).as_datatype_enum
    editor.become(node, "Identity", [constant], {"T": dtype})
