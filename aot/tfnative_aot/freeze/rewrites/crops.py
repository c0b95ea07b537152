# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts boxes out of images, and resizes them, as TensorFlow's kernel for CPUs does.

XLA has no kernel for it. Each pixel of a crop has a place in its image, of which
TensorFlow rounds every step; a pixel whose place is outside of the image gets a fixed
value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from tfnative_aot.freeze.rewrites.divisions import divide_by_constant
from tfnative_aot.freeze.rewrites.rule import Replacement, Rule, element_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef


def _crop(node: NodeDef) -> Replacement:
    is_nearest = "method" in node.attr and node.attr["method"].s == b"nearest"
    outside = node.attr["extrapolation_value"].f

    def crop(images: Any, boxes: Any, numbers: Any, size: Any) -> Any:
        shape = tf.shape(images)
        known = tf.get_static_value(size)
        rows, columns = (size[0], size[1]) if known is None else map(int, known)
        y1, x1, y2, x2 = tf.unstack(boxes, 4, axis=1)
        down = _Places.between(y1, y2, shape[1], rows)
        across = _Places.between(x1, x2, shape[2], columns)
        cut = _nearest if is_nearest else _bilinear
        pixels = cut(_Images(images, numbers), down, across)
        inside = down.inside[:, :, None] & across.inside[:, None, :]
        return tf.where(inside[..., None], pixels, tf.constant(outside, tf.float32))

    specs = [
        tf.TensorSpec([None] * 4, element_type(node)),
        tf.TensorSpec([None, 4], tf.float32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([2], tf.int32),
    ]
    return Replacement(crop, specs)


class _Places(NamedTuple):
    """Where the pixels of crops are along one dimension of their images.

    Attributes:
        exact: A place for each pixel of each crop.
        inside: Whether it is one of the image's.
        last: The image's last pixel.
    """

    exact: Any
    inside: Any
    last: Any

    @classmethod
    def between(cls, low: Any, high: Any, known: Any, size: Any) -> _Places:
        """Places from one side of the boxes to the other.

        Args:
            low: The one side of each box, as a fraction of the image.
            high: The other side, which may come before it.
            known: How many pixels the images have.
            size: How many pixels the crops have, an int if that is known.
        """
        last = known - 1
        steps = tf.cast(last, tf.float32)
        low, high = low[:, None], high[:, None]
        if isinstance(size, int) and size == 1:
            exact = 0.5 * (low + high) * steps
        else:
            scale = divide_by_constant(
                (high - low) * steps, tf.cast(size - 1, tf.float32)
            )
            exact = low * steps + tf.range(size, dtype=tf.float32) * scale
        return cls(exact, ~((exact < 0) | (exact > steps)), last)

    def pixels(self, exact: Any) -> Any:
        """Numbers of pixels; any of the image's for places that it does not have."""
        inside = tf.where(self.inside, exact, tf.zeros_like(exact))
        return tf.minimum(tf.cast(inside, tf.int32), self.last)


class _Images(NamedTuple):
    """Images, and which one each crop is of."""

    images: Any
    numbers: Any

    def at(self, rows: Any, columns: Any) -> Any:
        """The pixels in some rows and columns, for each crop, as floats."""
        shape = [tf.shape(rows)[0], tf.shape(rows)[1], tf.shape(columns)[1]]
        places = [
            tf.broadcast_to(self.numbers[:, None, None], shape),
            tf.broadcast_to(rows[:, :, None], shape),
            tf.broadcast_to(columns[:, None, :], shape),
        ]
        found = tf.gather_nd(self.images, tf.stack(places, axis=-1))
        return tf.cast(found, tf.float32)


def _bilinear(images: _Images, down: _Places, across: _Places) -> Any:
    top, left = tf.floor(down.exact), tf.floor(across.exact)
    rows = [down.pixels(each) for each in (top, tf.math.ceil(down.exact))]
    columns = [across.pixels(each) for each in (left, tf.math.ceil(across.exact))]
    to_right = (across.exact - left)[:, None, :, None]
    down_from_top = (down.exact - top)[:, :, None, None]

    def line(row: Any) -> Any:
        first, second = (images.at(row, column) for column in columns)
        return first + (second - first) * to_right

    upper, lower = map(line, rows)
    return upper + (lower - upper) * down_from_top


def _nearest(images: _Images, down: _Places, across: _Places) -> Any:
    def rounded(places: _Places) -> Any:
        """Halves away from zero, as numbers that are not negative."""
        below = tf.floor(places.exact)
        up = tf.cast(places.exact - below >= 0.5, tf.float32)
        return places.pixels(below + up)

    return images.at(rounded(down), rounded(across))


RULES: Mapping[str, Rule] = {"CropAndResize": _crop}
"""By op."""
