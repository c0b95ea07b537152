# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which node a SavedModel runs when it is loaded, and which variables that assigns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfnative_aot.load.reach import reachable_nodes
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

_INIT = "__saved_model_init_op"
INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
_ASSIGNING = ("Assign", "AssignVariableOp")


def init_op(model: MetaGraphDef) -> str:
    """Name of the node that initialises tables, or ""."""
    if _INIT in model.signature_def:
        return str(model.signature_def[_INIT].outputs[_INIT].name)
    for collection in INIT_COLLECTIONS:
        if collection in model.collection_def:
            names = model.collection_def[collection].node_list.value
            if names:
                return str(names[0])
    return ""


def assigned_variables(model: MetaGraphDef) -> frozenset[str]:
    """The nodes of the variables that the initialisation gives their values.

    These are not in the checkpoint, as paths of files that tables are read from.
    """
    target = init_op(model)
    needed = reachable_nodes(model.graph_def.node, [target] if target else [])
    return frozenset(node_of(n.input[0]) for n in needed if n.op in _ASSIGNING)
