# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tables in smaller types, of which what was looked up is widened.

XLA reads them, and would widen a whole table while it compiles: so it sees whole
numbers with the same bits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.freeze.rewrites.bodies import rewrite_bodies
from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.load.source import node_of
from tfnative_aot.program.passes.stored_weights import WeightType, stored
from tfnative_aot.quantize.small_weights import FEWEST

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_LOOKUP = "GatherV2"
_FLOATS = {"f16": tf.float16, "bf16": tf.bfloat16}


def store_tables(graph: FrozenGraph, dtype: WeightType) -> FrozenGraph:
    """The graph with lookups in tables that are stored in a type.

    Args:
        graph: A signature whose weights are rounded.
        dtype: To what. Tables that it does not hold exactly stay.
    """
    tensors = [tensor.tensor for tensor in (*graph.inputs, *graph.outputs)]
    if graph.check_tensor:
        tensors.append(graph.check_tensor)
    editor = GraphEditor(graph.graph_def, [node_of(tensor) for tensor in tensors])
    _store(editor, dtype)
    rewritten = editor.graph_def()
    rewrite_bodies(rewritten, {_LOOKUP}, lambda body: _store(body, dtype))
    return replace(graph, graph_def=rewritten)


def _store(editor: GraphEditor, dtype: WeightType) -> None:
    for node in editor.nodes(_LOOKUP):
        axis = editor.constant(node, 2)
        table = editor.constant(node, 0)
        if (
            axis is None
            or axis.any()
            or node.attr["batch_dims"].i
            or table is None
            or table.dtype != np.float32
            or table.ndim < 2
            or table.size < FEWEST
        ):
            continue
        _narrow(editor, node, table, dtype)


def _narrow(editor: GraphEditor, node: NodeDef, table: Any, dtype: WeightType) -> None:
    rows = table.reshape(len(table), -1)
    # Each row is a channel: a column of what a kernel would read.
    form = stored(rows.T[np.newaxis], dtype, len(rows))
    if form.dtype == "f32":
        return
    small = form.array[0].T.reshape(table.shape)
    scale = None if form.scale is None else form.scale[: len(rows)]
    index = node.attr["Tindices"].type
    specs = [
        tf.TensorSpec(None, tf.float32),
        tf.TensorSpec(None, tf.dtypes.as_dtype(index)),
    ]

    def look_up(_table: Any, indices: Any, _axis: Any) -> Any:
        found = tf.gather(tf.constant(small), indices)
        if scale is None:
            return tf.cast(tf.bitcast(found, _FLOATS[dtype]), tf.float32)
        shape = [len(rows)] + [1] * (table.ndim - 1)
        return tf.cast(found, tf.float32) * tf.gather(
            tf.constant(scale.reshape(shape)), indices
        )

    editor.replace(node, look_up, specs)
