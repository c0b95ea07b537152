# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Gives the program that XLA makes of a graph, for several numbers of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot import adapters
from tfnative_aot.load.source import BATCH, node_of
from tfnative_aot.xla.own_kernels import with_own_kernels
from tfnative_aot.xla.tfcompile import dumped_program

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    from tfnative_aot.freeze.graph import FrozenGraph
    from tfnative_aot.xla.processes import ForkServer

_LARGE_BYTES = 4096
_OLD_CONTROL_FLOW = frozenset({"Enter", "RefEnter", "RefSwitch", "Switch"})


def programs(
    graph: FrozenGraph, rows: Sequence[int], server: ForkServer, work: Path
) -> tuple[list[Any], list[tuple[int, ...]]]:
    """A graph's programs, and the shapes of their parameters.

    Large floating-point constants, which no shape depends on, are parameters, too:
    what is in them does not matter here.

    Args:
        graph: The signature.
        rows: Numbers of rows.
        server: Compiles what TensorFlow does not show: loops and branches of
            TensorFlow 1.
        work: A folder for its files. Created.

    Returns:
        An xla.HloModuleProto for each number of rows; and each parameter's shape, with
        BATCH for the number of rows.

    Raises:
        Exception: XLA does not take the graph; whatever TensorFlow raises for that.
    """
    shapes = [t.shape or () for t in graph.inputs]
    if any(node.op in _OLD_CONTROL_FLOW for node in graph.graph_def.node):
        dumped = [dumped_program(graph, n, work / f"{n}_rows", server) for n in rows]
        return [adapters.tf().read_program(each) for each in dumped], shapes
    fetches = [tensor.tensor for tensor in graph.outputs]
    # Half precision and complex numbers cross as integers: as the graph has them.
    dtypes = {
        node.name: node.attr["dtype"].type
        for node in graph.graph_def.node
        if node.op == "Placeholder"
    }
    found = []
    for count in rows:
        feeds = [
            (
                tensor.tensor,
                tf.TensorSpec(
                    [count if size == BATCH else size for size in tensor.shape or ()],
                    dtypes[node_of(tensor.tensor)],
                ),
            )
            for tensor in graph.inputs
        ]
        sized = with_own_kernels(graph, count).graph_def
        graph_def, weights = _without_large_constants(sized)
        _rename_functions(graph_def)
        found.append(adapters.tf().xla_program(graph_def, [*feeds, *weights], fetches))
    return found, [*shapes, *(tuple(spec.shape) for _, spec in weights)]


def _without_large_constants(
    graph_def: GraphDef,
) -> tuple[GraphDef, list[tuple[str, tf.TensorSpec]]]:
    smaller = type(graph_def)()
    smaller.CopyFrom(graph_def)
    weights = []
    for node in smaller.node:
        if node.op != "Const" or node.attr["value"].ByteSize() < _LARGE_BYTES:
            continue
        dtype = tf.dtypes.as_dtype(node.attr["dtype"].type)
        if not dtype.is_floating:
            continue
        proto = node.attr["value"].tensor
        shape = tf.TensorShape(proto.tensor_shape)
        node.op = "Placeholder"
        node.attr["shape"].shape.CopyFrom(proto.tensor_shape)
        del node.attr["value"]
        weights.append((f"{node.name}:0", tf.TensorSpec(shape, dtype)))
    return smaller, weights


def _rename_functions(graph_def: GraphDef) -> None:
    """Gives functions names that no other graph in this process has."""
    known = {f.signature.name for f in graph_def.library.function}
    if not known:
        return
    key = hashlib.sha256(graph_def.SerializeToString(deterministic=True))
    prefix = f"rows_{key.hexdigest()[:16]}_"
    nodes = list(graph_def.node)
    for function in graph_def.library.function:
        function.signature.name = prefix + function.signature.name
        nodes += function.node_def
    for node in nodes:
        if node.op in known:
            node.op = prefix + node.op
        for value in node.attr.values():
            for called in (value.func, *value.list.func):
                if called.name in known:
                    called.name = prefix + called.name
    for gradient in graph_def.library.gradient:
        gradient.function_name = prefix + gradient.function_name
        gradient.gradient_func = prefix + gradient.gradient_func
