# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rewrites of a frozen graph that make XLA's code faster, possible or right.

Each is a function over a ``GraphEditor`` that leaves TensorFlow's results as they are,
but for the last bits of rounding. They are for what neither Grappler nor XLA does.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from tfnative_aot.freeze.rewrites.dilated_convolution import merge_dilations
from tfnative_aot.freeze.rewrites.fold_scales import fold_scales
from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.odd_values import keep_odd_values
from tfnative_aot.freeze.rewrites.resize import interpolate_images
from tfnative_aot.freeze.rewrites.volume_convolution import split_volumes

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

__all__ = ["rewrite"]


def rewrite(graph_def: GraphDef, outputs: Collection[str]) -> GraphDef:
    """Applies every rewrite.

    Args:
        graph_def: A graph without calls.
        outputs: Names of the nodes that are fetched. They keep their names.
    """
    editor = GraphEditor(graph_def, outputs)
    fold_scales(editor)
    merge_dilations(editor)
    split_volumes(editor)
    interpolate_images(editor)
    for function in editor.functions():
        keep_odd_values(function)
    keep_odd_values(editor)
    return editor.graph_def()
