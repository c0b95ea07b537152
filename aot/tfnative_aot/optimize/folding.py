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
from tfnative_aot.load.reach import prune, reachable_names, reachable_nodes
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
    """Computes again what takes more space as a constant than what it is made of.

    What it is made of takes no space where it is in the graph for others as well: of
    a weight that is read behind a control edge, a copy would stand beside the weight.
    """
    old = {node.name: node for node in before.node}
    folded = {
        node.name: (node, _Parts(old, origin))
        for node in after.node
        if (origin := _folded_from(node, old)) is not None
    }
    present = {node.name for node in after.node}
    grown: dict[str, str] = {}
    while found := _grown(folded, present):
        for name in found:
            parts = folded.pop(name)[1]
            grown[name] = parts.origin
            present |= parts.bytes.keys()
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


class _Parts:
    """What a constant was computed from, and how many bytes each of that takes."""

    def __init__(self, old: Mapping[str, NodeDef], origin: NodeDef) -> None:
        needed = [old[name] for name in reachable_names(old, [origin.name])]
        self.origin = origin.name
        self.bytes = {node.name: node.ByteSize() for node in needed}
        self.is_copy = all(node.op in ("Const", "Identity") for node in needed)

    def missing(self, present: Collection[str]) -> int:
        """How many bytes it takes beside nodes that are there anyway."""
        return sum(size for name, size in self.bytes.items() if name not in present)


def _folded_from(node: NodeDef, old: Mapping[str, NodeDef]) -> NodeDef | None:
    """The node whose only result the tool made a constant of, if it is such a one."""
    folded = _FOLDED.fullmatch(node.name) if node.op == "Const" else None
    if folded is None or node.name in old:
        return None
    origin = old.get(folded[1])
    return origin if origin is not None and _outputs(origin) == 1 else None


def _grown(
    folded: Mapping[str, tuple[NodeDef, _Parts]], present: Collection[str]
) -> list[str]:
    """Constants that are larger than what has to be added to compute them."""
    for name, (node, parts) in folded.items():
        if _is_larger(node.ByteSize(), parts.missing(present), parts.is_copy):
            return [name]
    # Alone, each may be as small as what it is made of; but that may be the same.
    readers: dict[str, list[str]] = {}
    for name, (_, parts) in folded.items():
        for part in parts.bytes.keys() - present:
            readers.setdefault(part, []).append(name)
    for names in readers.values():
        together = {p: n for name in names for p, n in folded[name][1].bytes.items()}
        missing = sum(size for part, size in together.items() if part not in present)
        size = sum(folded[name][0].ByteSize() for name in names)
        is_copy = all(folded[name][1].is_copy for name in names)
        if len(names) > 1 and _is_larger(size, missing, is_copy):
            return names
    return []


def _is_larger(size: int, parts: int, is_copy: bool) -> bool:
    """Whether constants are so much larger that it is better to compute them.

    To read a weight in place of its copy costs nothing; to compute does, each time.
    """
    return size > parts + (0 if is_copy else _SMALL_BYTES)


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
