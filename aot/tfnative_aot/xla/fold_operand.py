# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Computes operands that follow from shapes where XLA itself does not.

XLA follows most of what is computed from shapes, but no loops, and gives up where an
operand has to be a constant. With the batch size fixed, TensorFlow can compute it.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.freeze.origins import OriginFinder, find_node
from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import BATCH, node_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tfnative_aot.freeze.graph import FrozenGraph
    from tfnative_aot.xla.failure import Failure

# TensorFlow's names are looked up by one thread at once.
_ONE_AT_ONCE = threading.Lock()


def fold_operand(graph: FrozenGraph, rows: int, failure: Failure) -> FrozenGraph | None:
    """A graph where the operand that XLA misses is a constant.

    Args:
        graph: The graph.
        rows: Its batch size.
        failure: What XLA said.

    Returns:
        The graph for this batch size; None if the operand depends on more than shapes.
    """
    if failure.operand is None:
        return None
    found = find_node(graph.graph_def, failure.node)
    if found is None or found[0]:
        return None
    tensor = found[1].input[failure.operand]
    # Loops that end before the operand is read are TensorFlow's to run.
    if OriginFinder(graph.graph_def).find("", tensor).placeholders:
        return None
    with _ONE_AT_ONCE:
        value = _evaluate(graph, rows, tensor, 0)
    return replace(graph, graph_def=_with_constant(graph.graph_def, tensor, value))


def guess_operand(
    graph: FrozenGraph, rows: int, failure: Failure
) -> FrozenGraph | None:
    """A graph where the operand has some value, to see what else XLA misses.

    Args:
        graph: The graph.
        rows: Its batch size.
        failure: What XLA said of an operand.

    Returns:
        The graph; None if there is no value that TensorFlow can compute.
    """
    found = find_node(graph.graph_def, failure.node)
    if found is None or found[0] or failure.operand is None:
        return None
    tensor = found[1].input[failure.operand]
    try:
        with _ONE_AT_ONCE:
            value = _evaluate(graph, rows, tensor, 1)
    except Exception:  # Whatever TensorFlow raises for inputs that are all ones.
        return None
    reader = found[1].name, failure.operand
    changed = _with_constant(graph.graph_def, tensor, value, reader)
    return replace(graph, graph_def=changed)


def _evaluate(graph: FrozenGraph, rows: int, tensor: str, number: int) -> NDArray[Any]:
    """A tensor's value where all elements of the inputs are some number."""
    needed = prune(graph.graph_def, [node_of(tensor)])
    present = {node.name for node in needed.node}
    full = tensor if ":" in tensor else f"{tensor}:0"
    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(needed, name="")
        feeds = {
            spec.tensor: np.full(
                [rows if size == BATCH else size for size in spec.shape or ()],
                number,
                numpy_dtype(spec.dtype),
            )
            for spec in graph.inputs
            if node_of(spec.tensor) in present
        }
        with tf.compat.v1.Session(graph=imported) as session:
            value: NDArray[Any] = session.run(full, feeds)
    return value


def _with_constant(
    graph_def: GraphDef,
    tensor: str,
    value: NDArray[Any],
    reader: tuple[str, int] | None = None,
) -> GraphDef:
    """The graph with a constant in the place of a tensor, for one reader or all."""
    changed = GraphDef()
    changed.CopyFrom(graph_def)
    name = f"known/{tensor.replace(':', '_')}"
    if reader is not None:
        name = f"guessed/{reader[0]}/{reader[1]}"
    for node in changed.node:
        for place, source in enumerate(node.input):
            same = source.removesuffix(":0") == tensor.removesuffix(":0")
            if same and reader in (None, (node.name, place)):
                node.input[place] = name
    constant = changed.node.add(name=name, op="Const")
    proto = tf.make_tensor_proto(value)
    constant.attr["value"].tensor.CopyFrom(proto)
    constant.attr["dtype"].type = proto.dtype
    return changed
