# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Adjusts colours of pixels with NaN and infinities in them as TensorFlow does.

Its kernels compare channels one after the other, so that it depends on the channel
whether NaN is passed over, and they take an image's mean away before they scale it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import (
    Replacement,
    element_type,
    of_any_shape,
    same_types,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.rule import Rule

_INFINITY = float("inf")
_SIDES = 6  # Of the circle of hues: there are as many orders of three channels.


def _contrast(node: NodeDef) -> Replacement:
    dtype = element_type(node) if "T" in node.attr else tf.float32

    def adjust(images: Any, factor: Any) -> Any:
        mean = tf.reduce_mean(images, [-3, -2], keepdims=True)
        return mean + (images - mean) * tf.cast(factor, dtype)

    return Replacement(adjust, of_any_shape(dtype, tf.float32))


def _to_hsv(node: NodeDef) -> Replacement:
    def convert(images: Any) -> Any:
        channels = tf.unstack(images, 3, axis=-1)

        def extreme(sign: int) -> Any:
            lowest = tf.constant(-_INFINITY, images.dtype)
            found = tf.fill(tf.shape(channels[0]), lowest)
            for channel in channels:
                found = _last_unless_less(found, sign * channel)
            return sign * found

        most, least = extreme(1), extreme(-1)
        return tf.stack([*_hue_and_saturation(channels, most, least), most], axis=-1)

    return same_types(node, 1, convert)


def _saturation(node: NodeDef) -> Replacement:
    dtype = element_type(node) if "T" in node.attr else tf.float32

    def adjust(images: Any, factor: Any) -> Any:
        wide = tf.cast(images, tf.float32)
        r, g, b = channels = tf.unstack(wide, 3, axis=-1)
        most = _first_unless_less(r, _first_unless_less(g, b))
        least = -_first_unless_less(-r, _first_unless_less(-g, -b))
        hue, saturation = _hue_and_saturation(channels, most, least)
        zero, one = tf.zeros_like(hue), tf.ones_like(hue)
        scaled = _first_unless_less(zero, saturation * factor)
        scaled = -_first_unless_less(-one, -scaled)
        return tf.cast(_from_hsv(hue, scaled, most), dtype)

    return Replacement(adjust, of_any_shape(dtype, tf.float32))


def _hue_and_saturation(channels: list[Any], most: Any, least: Any) -> list[Any]:
    r, g, b = channels
    zero, size = tf.zeros_like(most), most - least
    saturation = tf.where(most > zero, size / most, zero)
    norm = tf.ones_like(size) / size / _SIDES
    turns = [(r, norm * (g - b)), (g, norm * (b - r) + 2.0 / _SIDES)]
    hue = norm * (r - g) + 4.0 / _SIDES
    for channel, turned in reversed(turns):
        hue = tf.where(tf.equal(channel, most), turned, hue)
    hue = tf.where(size > zero, hue, zero)
    return [tf.where(hue < zero, hue + 1.0, hue), saturation]


def _from_hsv(hue: Any, saturation: Any, most: Any) -> Any:
    chroma = saturation * most
    place = hue * float(_SIDES)
    side = tf.floor(place)  # No side, and none of the colours, if it is NaN.
    within = place - 2.0 * tf.floor(place / 2.0)
    other = chroma * (1.0 - tf.abs(within - 1.0))
    none = tf.zeros_like(chroma)
    orders = [
        (chroma, other, none),
        (other, chroma, none),
        (none, chroma, other),
        (none, other, chroma),
        (other, none, chroma),
        (chroma, none, other),
    ]
    outside = none, none, none
    chosen = functools.reduce(
        lambda found, number: [
            tf.where(tf.equal(side, float(number)), each, rest)
            for each, rest in zip(orders[number], found, strict=True)
        ],
        range(_SIDES),
        list(outside),
    )
    return tf.stack([each + (most - chroma) for each in chosen], axis=-1)


def _last_unless_less(known: Any, x: Any) -> Any:
    return tf.where(x < known, known, x)


def _first_unless_less(known: Any, x: Any) -> Any:
    return tf.where(known < x, x, known)


RULES: Mapping[str, Rule] = {
    "AdjustContrastv2": _contrast,
    "AdjustSaturation": _saturation,
    "RGBToHSV": _to_hsv,
}
