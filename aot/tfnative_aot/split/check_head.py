# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whether TensorFlow can run a head by itself, and how much is left behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative.errors import CompileError
from tfnative_aot.load.initializer import TABLES
from tfnative_aot.load.reach import body_nodes, reachable_functions, reachable_nodes
from tfnative_aot.load.source import SourceGraph
from tfnative_aot.split.tensorflow_head import head_roots

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.split.cut import Cut

_ANY_TABLE = re.compile(r"HashTable")
# What most of a model's time goes to. Of two ways to cut, that which leaves more of
# these to compiled code is the better one.
_HEAVY = re.compile(r"(MatMul|Einsum|Conv[23]D|DepthwiseConv2dNative)")


def check_head(parts: Cut, model: LoadedModel) -> None:
    """Checks that TensorFlow can run a head by itself.

    Raises:
        CompileError: It cannot; says why.
    """
    if not model.source.names_nodes:
        raise CompileError(
            "it cannot be cut as it was saved: only TensorFlow 2's loader can read it, "
            "which gives no names to tables. Keras 3 models can be cut that were saved "
            "with model.export"
        )
    head = {n.op for n in _with_bodies(parts.graph.graph_def, head_roots(parts))}
    others = sorted(op for op in head if _ANY_TABLE.search(op) and op not in TABLES)
    if others:
        raise CompileError(
            f"it cannot be cut: the values of {', '.join(others)} may change, or are "
            "in the checkpoint"
        )


def count_heavy(graph: SourceGraph) -> int:
    """How many products of matrices and convolutions a graph has."""
    nodes = _with_bodies(graph.graph_def, graph.roots)
    return sum(bool(_HEAVY.search(node.op)) for node in nodes)


def _with_bodies(graph_def: GraphDef, roots: Iterable[str]) -> Iterator[NodeDef]:
    nodes = reachable_nodes(graph_def.node, roots)
    yield from nodes
    for function in reachable_functions(graph_def, nodes):
        yield from body_nodes(function)
