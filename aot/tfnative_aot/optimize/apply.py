# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Puts a graph through one transform: the tool's, mended, or one of ours."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tfnative.errors import CompileError
from tfnative_aot.freeze.inputs_outputs import drop_empty_attributes
from tfnative_aot.freeze.rewrites.fold_scales import fold_scales
from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.load.reach import prune
from tfnative_aot.optimize.assertions import remove_assertions
from tfnative_aot.optimize.checks import may_lose, tied_nodes
from tfnative_aot.optimize.controls import without_idle_controls
from tfnative_aot.optimize.folding import (
    free_names,
    read_constants,
    restore_grown,
    without_new_identities,
)
from tfnative_aot.optimize.merge import share_constants
from tfnative_aot.optimize.quantized_weights import restore_spoilt
from tfnative_aot.optimize.ranges import Calibration, freeze_ranges
from tfnative_aot.optimize.training import without_training

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    from tfnative._optimize.transforms import Transform
    from tfnative_aot.optimize.graph import WholeGraph
    from tfnative_aot.optimize.tool import Tool


_SHRINK = frozenset(
    """fold_batch_norms fold_constants fold_old_batch_norms merge_duplicate_nodes
    remove_training_nodes strip_unused_nodes""".split()
)
# These change names and notes, and no edges: they may do so everywhere.
_KEEP_STRUCTURE = frozenset(
    """add_default_attributes obfuscate_names remove_attribute remove_device
    rename_attribute rename_node rename_op set_device""".split()
)


def apply(
    graph: WholeGraph, step: Transform, tool: Tool, data: Calibration
) -> WholeGraph:
    """The graph after one transform.

    Args:
        graph: The graph.
        step: The transform.
        tool: The Graph Transform Tool.
        data: What to run the graph on, if the transform wants to see ranges.

    Raises:
        CompileError: The tool fails, or an input or output is gone.
    """
    if step.name == "freeze_requantization_ranges":
        changed = freeze_ranges(graph, step, tool, data)
    elif step.kind.is_ours:
        changed = _ours(graph, step)
    else:
        changed = _tools(graph, step, tool)
    drop_empty_attributes(changed)
    if step.name in _SHRINK and _is_no_smaller(graph.graph_def, changed):
        return graph
    present = {node.name for node in changed.node}
    gone = sorted({*graph.inputs, *graph.outputs} - present)
    if gone:
        raise CompileError(f"{step} removes {', '.join(gone)}, an input or output")
    return graph.with_graph(changed)


def _is_no_smaller(before: GraphDef, after: GraphDef) -> bool:
    """Whether a graph has the same ops, and needs as many bytes for them."""
    ops = [Counter(node.op for node in each.node) for each in (before, after)]
    return ops[0] == ops[1] and before.ByteSize() <= after.ByteSize()


def _ours(graph: WholeGraph, step: Transform) -> GraphDef:
    ends = [*graph.inputs, *graph.outputs]
    graph_def = graph.graph_def
    if step.name == "remove_assertions":
        return prune(without_idle_controls(remove_assertions(graph_def)), ends)
    removed = without_training(graph_def, ends)
    changed = without_new_identities(graph_def, removed, ends)
    return prune(without_idle_controls(changed), ends)


def _protected(graph_def: GraphDef, step: Transform) -> list[str]:
    """What the tool has to keep, so that what these nodes wait for still runs."""
    if step.name in _KEEP_STRUCTURE or step.name == "remove_control_dependencies":
        return []
    ops = {node.name: node.op for node in graph_def.node}
    return [n for n in tied_nodes(graph_def) if not may_lose(step, ops[n])]


def _tools(graph: WholeGraph, step: Transform, tool: Tool) -> GraphDef:
    before = graph.graph_def
    if step.name == "fold_constants":
        before = free_names(before, [*graph.inputs, *graph.outputs])
    outputs = [*graph.outputs, *_protected(before, step)]
    ends = [*graph.inputs, *outputs]
    if step.name == "fold_batch_norms":
        # The tool folds less, and refuses a graph with any scale that it cannot fold.
        return _fold_scales(before, ends)
    if step.name == "fold_constants":
        before = read_constants(before, ends)
    after = tool.transform(before, graph.inputs, outputs, str(step))
    after.versions.CopyFrom(before.versions)  # Older ones have no scalar inputs.
    if not after.library.function:
        after.library.CopyFrom(before.library)
    if step.name == "fold_constants":
        return restore_grown(before, share_constants(after, ends))
    if step.name == "fold_old_batch_norms":
        return _fold_scales(after, ends)
    if step.name == "quantize_weights":
        return restore_spoilt(before, after, ends)
    return after


def _fold_scales(graph_def: GraphDef, ends: list[str]) -> GraphDef:
    editor = GraphEditor(graph_def, ends)
    fold_scales(editor)
    folded = without_new_identities(graph_def, editor.graph_def(), ends)
    return share_constants(folded, ends)
