# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Joins the graphs of several signatures, which have their weights in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.load.initializer import renamed
from tfnative_aot.load.source import Signature, SourceGraph
from tfnative_aot.optimize.graph import SignatureEnds

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def merge(
    graphs: Iterable[tuple[Signature, SourceGraph]],
) -> tuple[GraphDef, tuple[SignatureEnds, ...]]:
    """One graph of several, in which equal constants are there once.

    Nodes whose names are taken get that of their signature in front.
    """
    merged = GraphDef()
    constants: dict[bytes, str] = {}
    ends = []
    for signature, graph in graphs:
        functions = _add_functions(merged, graph.graph_def, signature.name)
        names = _new_names(merged, graph.graph_def, signature.name, constants)
        added = {node.name for node in merged.node}
        for node in graph.graph_def.node:
            if names[node.name] not in added:
                added.add(names[node.name])
                _add(merged, node, names, functions)
        merged.versions.CopyFrom(graph.graph_def.versions)
        ends.append(
            SignatureEnds(
                signature,
                {name: renamed(t, names) for name, t in graph.inputs.items()},
                {name: renamed(t, names) for name, t in graph.outputs.items()},
            )
        )
    return merged, tuple(ends)


def share_constants(graph_def: GraphDef, kept: Collection[str]) -> GraphDef:
    """The graph with equal constants once, of those that wait for the same.

    Args:
        graph_def: The graph.
        kept: Names of the nodes that are fed or fetched.
    """
    first: dict[tuple[bytes, frozenset[str]], str] = {}
    names: dict[str, str] = {}
    for node in graph_def.node:
        if node.op == "Const" and node.name not in kept:
            key = (_digest(node), frozenset(node.input))
            name = first.setdefault(key, node.name)
            if name != node.name:
                names[node.name] = name
    shared = GraphDef(versions=graph_def.versions)
    shared.library.CopyFrom(graph_def.library)
    for node in graph_def.node:
        if node.name not in names:
            copy = shared.node.add()
            copy.CopyFrom(node)
            del copy.input[:]
            copy.input.extend(renamed(name, names) for name in node.input)
    return shared


def _new_names(
    merged: GraphDef,
    graph_def: GraphDef,
    signature: str,
    constants: dict[bytes, str],
) -> dict[str, str]:
    """What each node is called in the whole; equal constants are one node."""
    prefix = re.sub("[^A-Za-z0-9_.]", "_", signature).lstrip("_") or "signature"
    taken = {node.name for node in merged.node}
    own = {node.name for node in graph_def.node}
    names: dict[str, str] = {}
    for node in graph_def.node:
        name = node.name
        while name in taken or (name != node.name and name in own):
            name = f"{prefix}/{name}"
        if node.op == "Const" and not node.input:
            name = constants.setdefault(_digest(node), name)
        names[node.name] = name
    return names


def _digest(constant: NodeDef) -> bytes:
    content = constant.attr["value"].SerializeToString(deterministic=True)
    return hashlib.sha256(content).digest()


def _add(
    merged: GraphDef,
    node: NodeDef,
    names: Mapping[str, str],
    functions: Mapping[str, str],
) -> None:
    copy = merged.node.add()
    copy.CopyFrom(node)
    copy.name = names[node.name]
    del copy.input[:]
    copy.input.extend(renamed(name, names) for name in node.input)
    _rename_functions(copy, functions)


def _add_functions(
    merged: GraphDef, graph_def: GraphDef, signature: str
) -> dict[str, str]:
    """Adds functions; returns the new names of those whose name is another's."""
    known = {each.signature.name: each for each in merged.library.function}
    functions = {
        each.signature.name: f"{each.signature.name}_of_{signature}"
        for each in graph_def.library.function
        if known.get(each.signature.name, each) != each
    }
    for each in graph_def.library.function:
        if each.signature.name in known and each.signature.name not in functions:
            continue
        copy = merged.library.function.add()
        copy.CopyFrom(each)
        copy.signature.name = functions.get(each.signature.name, each.signature.name)
        for node in copy.node_def:
            _rename_functions(node, functions)
    return functions


def _rename_functions(node: NodeDef, functions: Mapping[str, str]) -> None:
    if not functions:
        return
    node.op = functions.get(node.op, node.op)
    for value in node.attr.values():
        if value.HasField("func"):
            value.func.name = functions.get(value.func.name, value.func.name)
        for function in value.list.func:
            function.name = functions.get(function.name, function.name)
