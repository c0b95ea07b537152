# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes of a model one graph without variables, with all signatures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative.errors import CompileError, InvalidArgumentError
from tfnative_aot.freeze import inputs_outputs
from tfnative_aot.freeze.branches import inline
from tfnative_aot.freeze.check import is_among
from tfnative_aot.freeze.freeze import constant_graph
from tfnative_aot.freeze.live import live_graph
from tfnative_aot.freeze.refusals import changes_state, moves_generator
from tfnative_aot.load.initializer import TABLES
from tfnative_aot.load.places import Places
from tfnative_aot.load.reach import (
    body_nodes,
    nodes_with_bodies,
    prune,
    reachable_functions,
    reachable_nodes,
)
from tfnative_aot.load.source import BATCH, Signature, SourceGraph, node_of
from tfnative_aot.optimize.checks import ALL_CHECKS
from tfnative_aot.optimize.controls import without_idle_controls
from tfnative_aot.optimize.graph import WholeGraph
from tfnative_aot.optimize.merge import merge
from tfnative_aot.optimize.tables import read_initializer, share_tables
from tfnative_aot.optimize.training import without_training

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.load.load_model import LoadedModel

_ANY_TABLE = re.compile(r"HashTable")
_BRANCHES = ("Case", "If", "StatelessCase", "StatelessIf", "StatelessWhile", "While")


def whole_graph(
    model: LoadedModel, signatures: Sequence[str], *, for_prediction: bool
) -> tuple[WholeGraph, bool]:
    """One graph of some signatures.

    Args:
        model: The model.
        signatures: Names of those to keep.
        for_prediction: Whether dropout may be removed where its random numbers keep
            the variables from becoming constants.

    Returns:
        The graph, and whether dropout had to be removed from it.

    Raises:
        CompileError: Variables cannot become constants, or something is missing.
    """
    flat, without_training = [], False
    for name in signatures:
        signature = model.signature(name)
        source, dropped = _variable_graph(
            model, signature, for_prediction=for_prediction
        )
        without_training |= dropped
        graph = _inlined(constant_graph(model, signature, source), signature)
        _check(graph, model, signature)
        _check_checks(source, graph, model, signature)
        flat.append((signature, graph))
    merged, ends = merge(flat)
    merged = without_idle_controls(merged)
    fetched = [tensor for each in ends for tensor in each.outputs.values()]
    fed = [tensor for each in ends for tensor in each.inputs.values()]
    merged = prune(merged, [*fed, *fetched])
    # Inlining ties nodes to others, which may be gone, or be called otherwise.
    inputs_outputs.forget_stale(merged)
    share_tables(merged)
    _lower_branches(merged)
    return WholeGraph(merged, ends, read_initializer(model, merged)), without_training


def open_shapes(signature: Signature) -> dict[str, tuple[int, ...] | None]:
    """The inputs' shapes, in which any size may be open; None for any rank."""
    return {
        spec.name: None
        if spec.shape is None
        else tuple(BATCH if size is None else size for size in spec.shape)
        for spec in signature.inputs
    }


def _variable_graph(
    model: LoadedModel, signature: Signature, *, for_prediction: bool
) -> tuple[SourceGraph, bool]:
    shapes = open_shapes(signature)
    source = live_graph(model, signature, shapes, Places(model.path))
    is_changed = _changes(source)
    if is_changed and for_prediction and model.source.names_nodes:
        source = _without_training(source, signature)
    changes = _changes(source)
    if changes:
        names = ", ".join(node.name for node in changes[:5])
        raise CompileError(
            f"{model.path}, signature {signature.name!r}: {names} change variables, "
            "which cannot be constants then; choose other signatures with --signature"
            f"{_about_generators(changes)}"
        )
    return source, bool(is_changed)


def _about_generators(changes: Sequence[NodeDef]) -> str:
    if not any(map(moves_generator, changes)):
        return ""
    return (
        ". A tf.random.Generator keeps its state in such a variable: what it draws is "
        "removed where remove_training_nodes knows it as dropout, noise or augmentation"
    )


def _changes(graph: SourceGraph) -> list[NodeDef]:
    """Nodes that change variables, also in functions.

    A tf.random.Generator counts in a variable, which no constant can stand for.
    """
    nodes = reachable_nodes(graph.graph_def.node, graph.roots)
    functions = reachable_functions(graph.graph_def, nodes)
    bodies = (node for function in functions for node in body_nodes(function))
    return [
        node
        for node in (*nodes, *bodies)
        if changes_state(node) or moves_generator(node)
    ]


def _without_training(source: SourceGraph, signature: Signature) -> SourceGraph:
    """What is left to be frozen of a graph without its random numbers."""
    graph = _inlined(source, signature)
    graph_def = without_training(graph.graph_def, graph.roots)
    graph_def = inputs_outputs.release_inputs(graph_def, graph)
    inputs_outputs.forget_stale(graph_def)
    return replace(graph, graph_def=graph_def)


def _inlined(source: SourceGraph, signature: Signature) -> SourceGraph:
    shapes = open_shapes(signature)
    graph = inputs_outputs.isolate(source, signature, shapes, carry=False)
    feeds = [node_of(tensor) for tensor in graph.inputs.values()]
    inlined, unreached = inline(graph.graph_def, feeds, list(graph.roots))
    graph_def = prune(inlined, [*feeds, *graph.roots])
    released = inputs_outputs.release_inputs(graph_def, graph)
    return replace(graph, graph_def=released, unreached=unreached)


def _check_checks(
    source: SourceGraph, graph: SourceGraph, model: LoadedModel, signature: Signature
) -> None:
    """Refuses a model whose assertions got lost when its variables became constants."""
    before, after = (
        {(node.op, node.name) for node in nodes_with_bodies(g.graph_def, g.roots)}
        for g in (source, graph)
    )
    kept = [*(name for _, name in after), *graph.unreached]
    lost = [
        f"{name} ({op})"
        for op, name in sorted(before)
        if op in ALL_CHECKS and not is_among(name, kept)
    ]
    if lost:
        raise CompileError(
            f"{model.path}, signature {signature.name!r}: {', '.join(lost[:5])} would "
            "be checked no more: no output waits for what its signature runs besides"
        )


def _check(graph: SourceGraph, model: LoadedModel, signature: Signature) -> None:
    fed = {node_of(tensor) for tensor in graph.inputs.values()}
    where = f"{model.path}, signature {signature.name!r}"
    nodes = graph.graph_def.node
    others = sorted(
        {n.op for n in nodes if _ANY_TABLE.search(n.op) and n.op not in TABLES}
    )
    open_ones = [n.name for n in nodes if n.op == "Placeholder" and n.name not in fed]
    if others or any("resource" in name for name in open_ones):
        raise CompileError(
            f"{where} reads tables ({', '.join(others) or 'without names'}) whose "
            "values are in the checkpoint, or that only TensorFlow 2's own loader "
            "fills: they cannot become a part of one graph"
        )
    if open_ones:
        raise InvalidArgumentError(
            f"{where}: TensorFlow cannot run it before values are given for "
            f"{', '.join(open_ones)}: pass --constant {open_ones[0]}=VALUE"
        )


def _lower_branches(graph_def: GraphDef) -> None:
    """Lets TensorFlow run loops and branches as parts of the graph, as it does."""
    bodies = (function.node_def for function in graph_def.library.function)
    for nodes in (graph_def.node, *bodies):
        for node in nodes:
            if node.op in _BRANCHES:
                node.attr["_lower_using_switch_merge"].b = True
