# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Takes the branch that a constant chooses, and forgets the other ones.

The branch for training is behind a placeholder that is false by default, and has what
no compiled model can do: random numbers, and new values for variables. Other branches
are for images of other sizes than those that the model is compiled for: in these, not
even the shapes of values fit each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot import adapters
from tfnative_aot.freeze.refusals import CHECKS
from tfnative_aot.freeze.static_shapes import without_weights
from tfnative_aot.load.reach import (
    body_nodes,
    prune,
    reachable_functions,
    reachable_nodes,
)
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_CALLS = {
    "If": "StatefulPartitionedCall",
    "StatelessIf": "PartitionedCall",
    "Case": "StatefulPartitionedCall",
    "StatelessCase": "PartitionedCall",
}
_SWITCHES = ("Switch", "RefSwitch")
_MERGES = ("Merge", "RefMerge")
_INLINING = ("function", "pruning")
_MOST_ROUNDS = 10
_CHECKS = CHECKS | {"EnsureShape"}


def inline(
    graph_def: GraphDef, feeds: Sequence[str], roots: Sequence[str]
) -> tuple[GraphDef, frozenset[str]]:
    """Puts functions in the place of their calls, also those of chosen branches.

    Args:
        graph_def: The graph.
        feeds: Names of the nodes that are fed.
        roots: Names of the nodes that are fetched.

    Returns:
        The graph, and the names of the assertions that never ran in it, since they are
        in branches that are not taken.
    """
    unreached: set[str] = set()
    for _ in range(_MOST_ROUNDS):  # There are branches within branches.
        inlined = adapters.tf().optimize(graph_def, feeds, roots, _INLINING)
        chosen = choose_branches(inlined)
        if chosen is inlined:
            break
        graph_def = prune(chosen, [*feeds, *roots])
        unreached |= _assertions(inlined, roots) - _assertions(graph_def, roots)
    return chosen, frozenset(unreached)


def _assertions(graph_def: GraphDef, roots: Sequence[str]) -> set[str]:
    nodes = reachable_nodes(graph_def.node, roots)
    bodies = map(body_nodes, reachable_functions(graph_def, nodes))
    all_of_them = itertools.chain(nodes, *bodies)
    return {node.name for node in all_of_them if node.op in _CHECKS}


def use_defaults(graph_def: GraphDef, fed: Collection[str]) -> GraphDef:
    """Placeholders with a default that nobody feeds become what they are by default.

    Args:
        graph_def: The graph.
        fed: Names of the nodes that are fed.
    """
    if not any(_has_default(node, fed) for node in graph_def.node):
        return graph_def  # It may have all the weights of a model.
    changed = GraphDef()
    changed.CopyFrom(graph_def)
    for node in changed.node:
        if _has_default(node, fed):
            dtype = node.attr["dtype"].type
            node.op = "Identity"
            node.attr.clear()
            node.attr["T"].type = dtype
    return changed


def _has_default(node: NodeDef, fed: Collection[str]) -> bool:
    return node.op == "PlaceholderWithDefault" and node.name not in fed


def choose_branches(graph_def: GraphDef) -> GraphDef:
    """Resolves branches whose condition is constant.

    Those of functions become calls of one of them. Those between Switch and Merge lose
    the nodes that never run.
    """
    conditions = {
        node.name: _full(node.input[1 if node.op in _SWITCHES else 0])
        for node in graph_def.node
        if node.op in _CALLS or node.op in _SWITCHES
    }
    values = _known(graph_def, set(conditions.values()))
    chosen = {
        name: values[condition]
        for name, condition in conditions.items()
        if condition in values
    }
    if not chosen:
        return graph_def
    changed = GraphDef()
    changed.CopyFrom(graph_def)
    for node in changed.node:
        if node.name in chosen and node.op in _CALLS:
            _call_branch(node, chosen[node.name])
    return _without_dead(changed, chosen)


def _full(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def _known(graph_def: GraphDef, tensors: Collection[str]) -> dict[str, int]:
    """The tensors that are constant scalars, whatever is fed."""
    found: dict[str, int] = {}
    if not tensors:
        return found
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(without_weights(graph_def), name="")
        for name in tensors:
            value = adapters.tf().inferred_value(graph.get_tensor_by_name(name))
            if value is not None and value.ndim == 0 and value.dtype.kind in "bi":
                found[name] = int(value)
    return found


def _call_branch(node: NodeDef, condition: int) -> None:
    if "branches" in node.attr:
        all_of_them = node.attr["branches"].list.func
        last = len(all_of_them) - 1
        branch = all_of_them[condition if 0 <= condition <= last else last]
    else:
        branch = node.attr["then_branch" if condition else "else_branch"].func
    inputs, outputs = node.attr["Tin"].list, node.attr["Tout"].list
    call = GraphDef().node.add(name=node.name, op=_CALLS[node.op])
    call.input.extend(node.input[1:])
    call.attr["f"].func.CopyFrom(branch)
    call.attr["Tin"].list.CopyFrom(inputs)
    call.attr["Tout"].list.CopyFrom(outputs)
    node.CopyFrom(call)


def _without_dead(graph_def: GraphDef, chosen: Mapping[str, int]) -> GraphDef:
    """The graph without what a Switch never lets run."""
    nodes = {node.name: node for node in graph_def.node}
    taken: dict[str, str] = {}
    dead: set[str] = set()  # Tensors, and nodes as "^node".
    for node in graph_def.node:
        if node.op in _SWITCHES and node.name in chosen:
            live = chosen[node.name]
            taken[f"{node.name}:{live}"] = node.input[0]
            dead.add(f"{node.name}:{1 - live}")
    while new := {
        name
        for name, node in nodes.items()
        if f"^{name}" not in dead and _is_dead(node, dead)
    }:
        dead |= {f"^{name}" for name in new}
    alive = GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        if f"^{node.name}" in dead:
            continue
        copy = alive.node.add()
        copy.CopyFrom(node)
        kept = [name for name in node.input if not _is_dead_input(name, dead)]
        del copy.input[:]
        copy.input.extend(taken.get(_full(name), name) for name in kept)
        if node.op in _MERGES:
            _pass_on(copy)
    return alive


def _is_dead_input(name: str, dead: set[str]) -> bool:
    if name.startswith("^"):
        return name in dead
    return _full(name) in dead or f"^{node_of(name)}" in dead


def _is_dead(node: NodeDef, dead: set[str]) -> bool:
    data = [name for name in node.input if not name.startswith("^")]
    if node.op in _MERGES:
        return bool(data) and all(_is_dead_input(name, dead) for name in data)
    return any(_is_dead_input(name, dead) for name in node.input)


def _pass_on(merge: NodeDef) -> None:
    """A Merge of one input is that input."""
    data = [name for name in merge.input if not name.startswith("^")]
    if len(data) != 1:
        return
    dtype = merge.attr["T"].type
    merge.op = "Identity"
    merge.attr.clear()
    merge.attr["T"].type = dtype
