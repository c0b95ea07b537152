# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rewrites of a frozen graph that make XLA's code faster, possible or right.

Each is a function over a ``GraphEditor`` that leaves TensorFlow's results as they are,
but for the last bits of rounding. They are for what neither Grappler nor XLA does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.freeze.rewrites import barriers, odd_values, padded_boxes, spectra
from tfnative_aot.freeze.rewrites.barriers import put_barriers
from tfnative_aot.freeze.rewrites.bodies import rewrite_bodies
from tfnative_aot.freeze.rewrites.dequantize import dequantize_weights
from tfnative_aot.freeze.rewrites.dilated_convolution import merge_dilations
from tfnative_aot.freeze.rewrites.divisions import (
    keep_divisions,
    keep_divisions_inside,
)
from tfnative_aot.freeze.rewrites.fold_scales import fold_scales
from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.hue import turn_hues
from tfnative_aot.freeze.rewrites.odd_values import keep_odd_values
from tfnative_aot.freeze.rewrites.padded_boxes import pad_boxes
from tfnative_aot.freeze.rewrites.ranges import fold_ranges
from tfnative_aot.freeze.rewrites.resize import interpolate_images
from tfnative_aot.freeze.rewrites.slices import split_slices
from tfnative_aot.freeze.rewrites.softmax import keep_largest
from tfnative_aot.freeze.rewrites.spectra import scale_spectra
from tfnative_aot.freeze.rewrites.vectorized import index_by_number
from tfnative_aot.freeze.rewrites.volume_convolution import split_volumes
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef


__all__ = ["compute_odd_values", "keep_arithmetic", "rewrite"]


# Ops that XLA does otherwise than TensorFlow, or not at all.
_NEEDED = frozenset(
    {
        "AdjustHue",
        "Conv3D",
        "Conv3DBackpropInputV2",
        "Dequantize",
        "LogSoftmax",
        *padded_boxes.OPS,
        "ResizeBilinear",
        "Softmax",
        "SoftmaxCrossEntropyWithLogits",
        "SparseSoftmaxCrossEntropyWithLogits",
    }
)


# Ops that are replaced when their checks are there.
_ODD = frozenset(
    {*barriers.OPS, *odd_values.RULES, *spectra.OPS, "Slice", "StridedSlice"}
)


def rewrite(graph_def: GraphDef, outputs: Collection[str]) -> GraphDef:
    """Applies every rewrite.

    Args:
        graph_def: A graph without calls; it may have loops and branches.
        outputs: Names of the nodes that are fetched. They keep their names.
    """
    editor = GraphEditor(graph_def, outputs)
    dequantize_weights(editor)
    fold_ranges(editor)
    index_by_number(editor)
    fold_scales(editor)
    merge_dilations(editor)
    _replace_ops(editor)
    rewritten = editor.graph_def()
    rewrite_bodies(rewritten, _NEEDED, _replace_ops)
    return rewritten


def keep_arithmetic(graph_def: GraphDef, outputs: Collection[str]) -> GraphDef:
    """Keeps Grappler and XLA from multiplying where TensorFlow divides.

    Quantized weights are computed, too, before Grappler does so with the small ones:
    no constant says any more to how many bits it was rounded.

    Args:
        graph_def: A graph without calls, before Grappler folds its constants.
        outputs: Names of the nodes that stay.
    """
    editor = GraphEditor(graph_def, outputs)
    dequantize_weights(editor)
    keep_divisions(editor)
    return editor.graph_def()


def compute_odd_values(frozen: FrozenGraph) -> FrozenGraph:
    """The graph with ops that compute slices, NaN and the like as TensorFlow does.

    They take the place of others, whose checks have to be there by then.
    """
    # Inputs that nothing reads stay.
    tensors = [tensor.tensor for tensor in (*frozen.inputs, *frozen.outputs)]
    if frozen.check_tensor:
        tensors.append(frozen.check_tensor)
    editor = GraphEditor(frozen.graph_def, [node_of(tensor) for tensor in tensors])
    _compute_odd_values(editor)
    rewritten = editor.graph_def()
    rewrite_bodies(rewritten, _ODD, lambda body: _compute_odd_values(body, inside=True))
    return replace(frozen, graph_def=rewritten)


def _compute_odd_values(editor: GraphEditor, *, inside: bool = False) -> None:
    split_slices(editor)
    scale_spectra(editor)
    keep_odd_values(editor)
    if inside:
        keep_divisions_inside(editor)
    put_barriers(editor, inside=inside)


def _replace_ops(editor: GraphEditor) -> None:
    dequantize_weights(editor)
    split_volumes(editor)
    interpolate_images(editor)
    turn_hues(editor)
    keep_largest(editor)
    pad_boxes(editor)
