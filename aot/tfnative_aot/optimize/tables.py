# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of strings, which are filled before the graph runs.

What fills them is kept apart from the graph that is transformed. Both find a table by
its shared name, whatever its nodes are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfnative_aot.load.init_op import init_op
from tfnative_aot.load.initializer import (
    TABLES,
    asset_files,
    meta_graph_of,
    renamed,
)
from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import node_of
from tfnative_aot.optimize.graph import Initializer

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    from tfnative_aot.load.load_model import LoadedModel

_PREFIX = "initialize"


def share_tables(graph_def: GraphDef) -> None:
    """Gives tables the shared names by which an ``Initializer`` knows them."""
    for node in graph_def.node:
        if node.op not in TABLES:
            continue
        if not node.attr["shared_name"].s:
            node.attr["shared_name"].s = node.name.encode()
        # Without, TensorFlow 2 gives each node a table of its own when it loads them.
        node.attr["use_node_name_sharing"].b = True


def read_initializer(model: LoadedModel, graph_def: GraphDef) -> Initializer:
    """What fills the tables of a graph, if it has some, when a model is loaded."""
    meta_graph = meta_graph_of(model)
    target = node_of(init_op(meta_graph))
    if not target or not any(node.op in TABLES for node in graph_def.node):
        return Initializer()
    graph_def = prune(meta_graph.graph_def, [target])
    share_tables(graph_def)
    names = {node.name: f"{_PREFIX}/{node.name}" for node in graph_def.node}
    assets = asset_files(meta_graph, names)
    for node in graph_def.node:
        sources = [renamed(name, names) for name in node.input]
        del node.input[:]
        node.input.extend(sources)
        node.name = names[node.name]
        node.device = ""
        node.attr.pop("_class", None)  # Names others, which may have got new names.
    for asset in assets:
        asset.tensor_info.name = renamed(asset.tensor_info.name, names)
    return Initializer(graph_def, names[target], tuple(assets))
