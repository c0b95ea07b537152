# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts a graph between what cannot be compiled and what can.

The head is what the compiler refuses, and all that it needs; the core is the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from tfnative.errors import CompileError
from tfnative_aot.freeze.refusals import refused_ops
from tfnative_aot.load.reach import reachable_nodes, waited_for
from tfnative_aot.load.source import BATCH, Signature, SourceGraph, node_of
from tfnative_aot.split.core_graph import core_graph
from tfnative_aot.split.edge_specs import edge_specs
from tfnative_aot.split.names import readable_names

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


@dataclass(frozen=True)
class Cut:
    """A graph in two parts.

    Attributes:
        graph: The whole, without calls and variables.
        head: Names of the head's nodes, constants left out.
        tensors: What the head gives to the core: the core's name of the input, and the
            tensor.
        targets: Nodes of the head that run for their effects.
        core: The core, with Placeholders in the place of the tensors.
        signature: The core's signature.
        ops: What the compiler refuses, sorted.
    """

    graph: SourceGraph
    head: frozenset[str]
    tensors: Mapping[str, str]
    targets: tuple[str, ...]
    core: SourceGraph
    signature: Signature
    ops: tuple[str, ...]


def cut(
    graph: SourceGraph,
    signature: Signature,
    shapes: Mapping[str, tuple[int, ...]],
    names: Mapping[str, str],
    *,
    open_rows: bool = False,
    rows_only: bool = False,
) -> Cut:
    """Cuts a graph of a signature.

    Args:
        graph: Its graph, without calls and variables.
        signature: The signature.
        shapes: Of its inputs, fixed but for the batch.
        names: What to call tensors if they become inputs of the core; others are named
            after their nodes.
        open_rows: Whether to cut where the number of rows is not known to be that of
            the inputs. Compiled code checks it.
        rows_only: Whether to cut only where tensors have rows, so that requests can be
            put together.

    Raises:
        CompileError: Nothing would be left to compile; says why.
    """
    nodes = {node.name: node for node in graph.graph_def.node}
    refused = {n: refused_ops(node, graph.graph_def) for n, node in nodes.items()}
    wrong = {name for name, ops in refused.items() if ops}
    blamed = set().union(*refused.values()) - {"Placeholder"}
    while True:
        head = _head(nodes, wrong)
        _check_outputs(graph, head, blamed)
        edges = _edges(nodes, head, graph)
        specs = edge_specs(graph, edges, shapes, open_rows)
        # What depends on a tensor that compiled code cannot take stays before it.
        later = {
            reader
            for tensor, readers in edges.items()
            if (spec := specs[tensor]) is None
            or (rows_only and spec[1][:1] != (BATCH,))
            for reader in readers
        }
        if not later:
            break
        wrong |= later
    taken = (spec.name for spec in signature.inputs)
    tensors = readable_names(specs, taken, names)
    core, core_signature = core_graph(graph, signature, head, tensors, specs, shapes)
    targets, ops = _targets(nodes, head), tuple(sorted(blamed))
    return Cut(graph, head, tensors, targets, core, core_signature, ops)


def _head(nodes: Mapping[str, NodeDef], wrong: Iterable[str]) -> frozenset[str]:
    reached = reachable_nodes(nodes.values(), wrong)
    head = {node.name for node in reached if node.op != "Const"}
    # An assertion about nothing but the head is checked there.
    for node in nodes.values():
        if node.op == "Assert":
            data = [node_of(n) for n in node.input if not n.startswith("^")]
            if any(name in head for name in data) and all(
                name in head or nodes[name].op == "Const" for name in data
            ):
                head.add(node.name)
    return frozenset(head)


def _check_outputs(
    graph: SourceGraph, head: frozenset[str], ops: Iterable[str]
) -> None:
    inside = [name for name, tensor in graph.outputs.items() if node_of(tensor) in head]
    if inside:
        raise CompileError(
            f"it cannot be cut: output {', '.join(map(repr, inside))} is computed from "
            f"what cannot be compiled to its end ({', '.join(sorted(ops))})"
        )


def _edges(
    nodes: Mapping[str, NodeDef], head: frozenset[str], graph: SourceGraph
) -> dict[str, list[str]]:
    """Tensors that the core reads of the head, with their readers.

    Inputs that compiled code can take are passed to both.
    """
    needed = reachable_nodes(
        (n for n in nodes.values() if n.name not in head), graph.roots
    )
    direct = {node_of(t) for t in graph.inputs.values()}
    edges: dict[str, list[str]] = {}
    for node in needed:
        for name in node.input:
            source = node_of(name)
            if name.startswith("^") or source not in head:
                continue
            if source in direct and not _is_string(nodes[source]):
                continue
            tensor = name if ":" in name else f"{name}:0"
            edges.setdefault(tensor, []).append(node.name)
    return edges


def _is_string(placeholder: NodeDef) -> bool:
    return bool(placeholder.attr["dtype"].type == tf.string.as_datatype_enum)


def _targets(nodes: Mapping[str, NodeDef], head: frozenset[str]) -> tuple[str, ...]:
    """Nodes of the head that those of the core wait for, and its assertions."""
    waited = waited_for(nodes, head)
    waited |= {name for name in head if nodes[name].op == "Assert"}
    return tuple(sorted(n for n in waited if nodes[n].op != "Placeholder"))
