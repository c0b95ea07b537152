# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Resizes images as TensorFlow does.

XLA in TensorFlow 2.21 takes wrong pixels for some ratios of sizes when it resizes
with pixel centers at halves, as tf.image.resize and Keras do: from 5 to 9 columns it
leaves out the middle one.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def interpolate_images(editor: GraphEditor) -> None:
    """Replaces ResizeBilinear by gathers and interpolations."""
    for node in editor.nodes("ResizeBilinear"):
        size = editor.constant(node, 1)
        if size is None or not _is_affected(node):
            continue
        rows, columns = (int(number) for number in size)
        resize = functools.partial(_resize, rows=rows, columns=columns)
        editor.replace(node, resize, [tf.TensorSpec([None] * 4, tf.float32)])


def _is_affected(node: NodeDef) -> bool:
    is_float = node.attr["T"].type == tf.float32.as_datatype_enum
    return is_float and bool(node.attr["half_pixel_centers"].b)


def _resize(images: Any, _: Any, *, rows: int, columns: int) -> Any:
    return _interpolate(_interpolate(images, 2, columns), 1, rows)


def _interpolate(x: Any, axis: int, size: int) -> Any:
    """One dimension, with the arithmetic of TensorFlow's resize_bilinear_op.cc."""
    known = tf.shape(x)[axis]
    scale = tf.cast(known, tf.float32) / tf.cast(size, tf.float32)
    place = (tf.range(size, dtype=tf.float32) + 0.5) * scale - 0.5
    below = tf.floor(place)
    lower = tf.maximum(tf.cast(below, tf.int32), 0)
    upper = tf.minimum(tf.cast(tf.math.ceil(place), tf.int32), known - 1)
    part = tf.reshape(place - below, [-1] + [1] * (3 - axis))
    first, second = tf.gather(x, lower, axis=axis), tf.gather(x, upper, axis=axis)
    return first + (second - first) * part
