# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the tool's fold_constants does badly, mended before and after it."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot import adapters
from tfnative_aot.load.initializer import renamed
from tfnative_aot.load.reach import prune, reachable_nodes
from tfnative_aot.load.source import node_of
from tfnative_aot.optimize.controls import Idle

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

_FOLDED = re.compile(r"(.+)/_\d+__cf__\d+")
_SMALL_BYTES = 4096


def free_names(graph_def: GraphDef, kept: Collection[str]) -> GraphDef:
    """The graph without names that the tool is about to give.

    It numbers what it folds from 0 on each time, so that it would give a name again
    that an earlier run of it, or TensorFlow's own optimizer, gave.

    Args:
        graph_def: The graph.
        kept: Names of the nodes that are fed or fetched, which stay.
    """
    taken = {node.name for node in graph_def.node}
    names: dict[str, str] = {}
    for node in graph_def.node:
        folded = _FOLDED.fullmatch(node.name)
        if folded is None or node.name in kept:
            continue
        numbered = (f"{folded[1]}/folded_{n}" for n in itertools.count())
        names[node.name] = next(name for name in numbered if name not in taken)
        taken.add(names[node.name])
    if not names:
        return graph_def
    freed = GraphDef()
    freed.CopyFrom(graph_def)
    for node in freed.node:
        node.name = names.get(node.name, node.name)
        sources = [renamed(name, names) for name in node.input]
        del node.input[:]
        node.input.extend(sources)
        node.attr.pop("_class", None)  # Which may name others by their old names.
    return freed


def read_constants(graph_def: GraphDef, kept: Collection[str]) -> GraphDef:
    """Lets readers of an Identity of a constant read the constant.

    The tool makes a second constant of the Identity, while the first one stays for
    whoever else reads it: a file could have all weights twice.

    Args:
        graph_def: The graph.
        kept: Names of the nodes that are fed or fetched.
    """
    nodes = {node.name: node for node in graph_def.node}
    idle = Idle(graph_def)
    origins: dict[str, str] = {}
    for node in graph_def.node:
        if node.op == "Identity" and node.name in idle:
            origin = node
            while origin.op == "Identity" and _data(origin):
                origin = nodes[node_of(_data(origin)[0])]
            if origin.op == "Const":
                origins[node.name] = origin.name
    changed = GraphDef()
    changed.CopyFrom(graph_def)
    for node in changed.node:
        for place, name in enumerate(node.input):
            if not name.startswith("^") and node_of(name) in origins:
                node.input[place] = origins[node_of(name)]
    return _without(changed, origins.keys() - set(kept))


def without_new_identities(
    before: GraphDef, after: GraphDef, kept: Collection[str]
) -> GraphDef:
    """The graph without nodes that a rewrite made mere copies of others."""
    ops = {node.name: node.op for node in before.node}
    copies = {
        node.name: node.input[0]
        for node in after.node
        if node.op == "Identity"
        and ops.get(node.name) != "Identity"
        and node.name not in kept
        and not any(name.startswith("^") for name in node.input)
    }
    if not copies:
        return after
    changed = GraphDef()
    changed.CopyFrom(after)
    for node in changed.node:
        sources = list(dict.fromkeys(n for n in node.input if n.startswith("^")))
        data = [_origin(name, copies) for name in _data(node)]
        controls = (f"^{node_of(_origin(name[1:], copies))}" for name in sources)
        del node.input[:]
        node.input.extend([*data, *dict.fromkeys(controls)])
    return prune(changed, kept)


def restore_grown(before: GraphDef, after: GraphDef) -> GraphDef:
    """Computes again what takes more space as a constant than what it is made of."""
    old = {node.name: node for node in before.node}
    grown: dict[str, str] = {}
    for node in after.node:
        folded = _FOLDED.fullmatch(node.name) if node.op == "Const" else None
        if folded is None or node.name in old or folded[1] not in old:
            continue
        origin = old[folded[1]]
        if _outputs(origin) == 1 and _grows(node, origin, before):
            grown[node.name] = origin.name
    if not grown:
        return after
    kept = GraphDef()
    kept.CopyFrom(after)
    for node in kept.node:
        for place, name in enumerate(node.input):
            node.input[place] = renamed(name, grown)
    kept = _without(kept, grown.keys())
    present = {node.name for node in kept.node}
    needed = reachable_nodes(before.node, grown.values())
    kept.node.extend(node for node in needed if node.name not in present)
    return kept


def _origin(tensor: str, copies: Mapping[str, str]) -> str:
    while tensor.removesuffix(":0") in copies:
        tensor = copies[tensor.removesuffix(":0")]
    return tensor


def _data(node: NodeDef) -> list[str]:
    return [name for name in node.input if not name.startswith("^")]


def _without(graph_def: GraphDef, names: Collection[str]) -> GraphDef:
    """The graph without these nodes, for whose readers all they wait for is idle."""
    kept = GraphDef(versions=graph_def.versions)
    kept.library.CopyFrom(graph_def.library)
    controls = {f"^{name}" for name in names}
    for node in graph_def.node:
        if node.name in names:
            continue
        copy = kept.node.add()
        copy.CopyFrom(node)
        del copy.input[:]
        copy.input.extend(name for name in node.input if name not in controls)
    return kept


def _outputs(node: NodeDef) -> int:
    """How many outputs a node has; 0 where that is not known."""
    definition = adapters.tf().op_definition(node.op)
    if definition is None:
        return 0
    listed = any(arg.number_attr or arg.type_list_attr for arg in definition.output_arg)
    return 0 if listed else len(definition.output_arg)


def _grows(constant: NodeDef, origin: NodeDef, before: GraphDef) -> bool:
    size: int = constant.attr["value"].ByteSize()
    if size <= _SMALL_BYTES:
        return False
    parts: Mapping[str, int] = {
        node.name: node.ByteSize()
        for node in reachable_nodes(before.node, [origin.name])
    }
    return size > sum(parts.values()) + _SMALL_BYTES
