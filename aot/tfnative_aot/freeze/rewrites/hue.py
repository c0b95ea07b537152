# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Turns the hue of images as TensorFlow does.

XLA in TensorFlow 2.21 gives other colours where the sum of a hue and the turn leaves
the circle. TensorFlow's kernel for CPUs works without saturation: it knows which of
the six orders the three channels are in, and moves the middle one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_CIRCLE = 6.0
# Which channel is largest, in the middle and least in each of the six orders.
_ORDERS = ("rgb", "grb", "gbr", "bgr", "brg", "rbg")


def turn_hues(editor: GraphEditor) -> None:
    """Replaces AdjustHue by comparisons, choices and a linear interpolation."""
    for node in editor.nodes("AdjustHue"):
        if _is_float(node):
            images = tf.TensorSpec(None, tf.float32)
            editor.replace(node, _turn, [images, tf.TensorSpec([], tf.float32)])


def _is_float(node: NodeDef) -> bool:
    # Looking up what is not there would add it to the node.
    has_type = "T" in node.attr
    return not has_type or bool(node.attr["T"].type == tf.float32.as_datatype_enum)


def _turn(images: Any, turn: Any) -> Any:
    channels = {name: images[..., place] for place, name in enumerate("rgb")}
    order = _order(**channels)
    most, middle, least = (
        _choose(order, [channels[names[place]] for names in _ORDERS])
        for place in range(3)
    )
    ratio = (middle - least) / (most - least)
    hue = tf.cast(order, tf.float32) + tf.where(_is_even(order), ratio, 1 - ratio)
    hue = tf.where(tf.equal(most, least), tf.zeros_like(hue), hue)
    hue = _into_circle(hue + turn * _CIRCLE)
    order = tf.cast(hue, tf.int32)
    ratio = hue - tf.cast(order, tf.float32)
    ratio = tf.where(_is_even(order), ratio, 1 - ratio)
    middle = least + ratio * (most - least)
    by_rank = [most, middle, least]
    turned = [
        _choose(order, [by_rank[names.index(channel)] for names in _ORDERS])
        for channel in "rgb"
    ]
    return tf.stack(turned, axis=-1)


def _order(r: Any, g: Any, b: Any) -> Any:
    """Number of the order of three channels; equal ones count either way."""
    green_first = tf.where(b < r, 1, tf.where(b > g, 3, 2))
    red_first = tf.where(b < g, 0, tf.where(b > r, 4, 5))
    return tf.where(r < g, green_first, red_first)


def _into_circle(hue: Any) -> Any:
    """Adds or takes away whole circles; TensorFlow does so one by one."""
    far = tf.logical_or(hue < -_CIRCLE, hue > 2 * _CIRCLE)
    hue = tf.where(far, tf.math.floormod(hue, _CIRCLE), hue)
    hue = tf.where(hue < 0, hue + _CIRCLE, hue)
    for _ in range(2):
        hue = tf.where(hue >= _CIRCLE, hue - _CIRCLE, hue)
    return hue


def _choose(order: Any, values: list[Any]) -> Any:
    """One of six values; the last one for any other number."""
    chosen = values[-1]
    for number in reversed(range(len(values) - 1)):
        chosen = tf.where(tf.equal(order, number), values[number], chosen)
    return chosen


def _is_even(order: Any) -> Any:
    return tf.equal(tf.math.floormod(order, 2), 0)
