# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Resizes images as TensorFlow does.

XLA in TensorFlow 2.21 takes wrong pixels for some ratios of sizes when it resizes
with pixel centers at halves, as tf.image.resize and Keras do: from 5 to 9 columns it
leaves out the middle one. Otherwise it multiplies each pixel of a tile with a weight,
which may be 0, and adds them up: one NaN or infinity fills the tile.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.rule import element_type


def interpolate_images(editor: GraphEditor) -> None:
    """Replaces ResizeBilinear by gathers and interpolations."""
    for node in editor.nodes("ResizeBilinear"):
        size = editor.constant(node, 1)
        if size is None:
            continue
        rows, columns = (int(number) for number in size)
        grid = _Grid(node.attr["half_pixel_centers"].b, node.attr["align_corners"].b)
        resize = functools.partial(_resize, rows=rows, columns=columns, grid=grid)
        editor.replace(node, resize, [tf.TensorSpec([None] * 4, element_type(node))])


class _Grid(NamedTuple):
    """Which places of the old image the pixels of the new one are at.

    Attributes:
        halves: Whether the first one is at half a pixel.
        corners: Whether the first and the last one are the old ones.
    """

    halves: bool
    corners: bool

    def places(self, known: Any, size: int) -> Any:
        """The places along a dimension, whose old and new sizes are given."""
        known = tf.cast(known, tf.float32)
        numbers = tf.range(size, dtype=tf.float32)
        if self.corners and size > 1:
            return numbers * ((known - 1.0) / float(size - 1))
        scale = known / float(size)
        return (numbers + 0.5) * scale - 0.5 if self.halves else numbers * scale


def _resize(images: Any, _: Any, *, rows: int, columns: int, grid: _Grid) -> Any:
    wide = tf.cast(images, tf.float32)
    # TensorFlow copies an image that has the right size.
    is_copy = tf.reduce_all(tf.equal(tf.shape(images)[1:3], [rows, columns]))
    wide = _interpolate(wide, 2, columns, grid, is_copy)
    return _interpolate(wide, 1, rows, grid, is_copy)


def _interpolate(x: Any, axis: int, size: int, grid: _Grid, is_copy: Any) -> Any:
    """One dimension, with the arithmetic of TensorFlow's resize_bilinear_op.cc."""
    known = tf.shape(x)[axis]
    place = grid.places(known, size)
    below = tf.floor(place)
    lower = tf.maximum(tf.cast(below, tf.int32), 0)
    upper = tf.minimum(tf.cast(tf.math.ceil(place), tf.int32), known - 1)
    part = tf.reshape(place - below, [-1] + [1] * (3 - axis))
    first, second = tf.gather(x, lower, axis=axis), tf.gather(x, upper, axis=axis)
    return tf.where(is_copy, first, first + (second - first) * part)
