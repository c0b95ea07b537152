# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What of a signature's graph its outputs depend on, before anything is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tfnative.errors import CompileError
from tfnative_aot.freeze import inputs_outputs
from tfnative_aot.freeze.branches import inline, use_defaults
from tfnative_aot.freeze.check import source_offenders
from tfnative_aot.freeze.dead_effects import drop_dead_effects
from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.ignored_noise import forget_ignored_noise
from tfnative_aot.freeze.rewrites.ranges import fold_ranges
from tfnative_aot.load.reach import prune, reachable_nodes, recursion
from tfnative_aot.load.source import SourceGraph, node_of

if TYPE_CHECKING:
    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.load.places import Places
    from tfnative_aot.load.source import Signature


def live_graph(
    model: LoadedModel,
    signature: Signature,
    shapes: Mapping[str, tuple[int, ...] | None],
    places: Places,
) -> SourceGraph:
    """A signature's graph, without what could be refused and is not needed.

    A graph without effects, or with too many, is left as it is, so that messages name
    the nodes as they were saved.

    Args:
        model: The model.
        signature: The signature.
        shapes: Of its inputs.
        places: Where nodes were made.

    Raises:
        CompileError: A function calls itself.
    """
    source = model.source.graph(signature)
    _check_recursion(source, f"{model.path}, signature {signature.name!r}")
    if not model.source.names_nodes:
        return source  # It is frozen as a function, not as a graph.
    fed = {node_of(tensor) for tensor in source.inputs.values()}
    graph_def = use_defaults(source.graph_def, fed)
    source = SourceGraph(graph_def, source.inputs, source.outputs, source.roots)
    if not _has_effects(source, signature, places):
        return source
    needed = _needed(source, signature, shapes)
    return source if _has_effects(needed, signature, places) else needed


def _check_recursion(source: SourceGraph, where: str) -> None:
    """Refuses what TensorFlow ends the process for, as it puts functions in place."""
    nodes = reachable_nodes(source.graph_def.node, source.roots)
    circle = recursion(source.graph_def, nodes)
    if circle:
        raise CompileError(
            f"{where}: function {' calls '.join([*circle, circle[0]])}: functions that "
            "call themselves cannot be put in the place of their calls. Write a loop, "
            "as tf.while_loop"
        )


def _has_effects(graph: SourceGraph, signature: Signature, places: Places) -> bool:
    """Whether something is refused that a head could not have either."""
    offenders = source_offenders(graph, signature, places)
    return any(not offender.movable for offender in offenders)


def _needed(
    source: SourceGraph,
    signature: Signature,
    shapes: Mapping[str, tuple[int, ...] | None],
) -> SourceGraph:
    graph = inputs_outputs.isolate(source, signature, shapes, carry=False)
    feeds = [node_of(tensor) for tensor in graph.inputs.values()]
    inlined, _ = inline(graph.graph_def, feeds, list(graph.roots))
    graph_def = prune(inlined, graph.roots)
    editor = GraphEditor(graph_def, graph.roots)
    fold_ranges(editor)
    forget_ignored_noise(editor)
    graph_def = drop_dead_effects(editor.graph_def(), graph.roots)
    graph_def = inputs_outputs.release_inputs(graph_def, graph)
    # Inlining ties nodes to others, which may be gone.
    inputs_outputs.forget_stale(graph_def)
    return SourceGraph(graph_def, graph.inputs, graph.outputs, graph.roots)
