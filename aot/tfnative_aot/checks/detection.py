# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes in images: how much they may overlap, and which image they are of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfnative_aot.checks.facts import Facts
from tfnative_aot.checks.finding import Finding, Span, first, has_no_elements


def _overlap(place: int) -> Callable[[Any, Facts], list[Finding]]:
    """The overlap, input number ``place``, is a part of one."""

    def rule(node: Any, facts: Facts) -> list[Finding]:
        threshold = node.inputs[place]
        known = facts.constant(threshold)
        if known is not None and 0 <= known <= 1:
            return []
        wide = tf.cast(threshold, tf.float32)
        bad = tf.logical_not((wide >= 0) & (wide <= 1))
        return [Finding("iou_threshold must be in [0, 1]", first(bad))]

    return rule


def softened(node: Any, facts: Facts) -> list[Finding]:
    """NonMaxSuppressionV5: that, and how fast scores fall is not negative."""
    found = _overlap(3)(node, facts)
    sigma = node.inputs[5]
    known = facts.constant(sigma)
    if known is None or not known >= 0:
        bad = tf.logical_not(tf.cast(sigma, tf.float32) >= 0)
        found.append(Finding("soft_nms_sigma_val must be >= 0", first(bad)))
    return found


def crop(node: Any, facts: Facts) -> list[Finding]:
    """CropAndResize: boxes are of images that there are, and are numbers."""
    images, boxes, numbers = node.inputs[:3]
    if has_no_elements(boxes) or has_no_elements(numbers):
        return []
    found = []
    count = images.shape[0]
    if count is None or not facts.interval(numbers).is_in(0, count - 1):
        limit = tf.shape(images)[0] if count is None else tf.constant(count)
        message = "box_index has values outside [0, batch_size)"
        bad = (numbers < 0) | (numbers >= limit)
        span = None if count is None else Span(numbers, count)
        found.append(Finding(message, first(bad), (), numbers, span=span))
    message = "Boxes contains at least one element that is not finite"
    bad = tf.logical_not(tf.math.is_finite(boxes))
    found.append(Finding(message, first(bad), (), boxes))
    return found


RULES = {
    "CombinedNonMaxSuppression": _overlap(4),
    "CropAndResize": crop,
    "NonMaxSuppressionV4": _overlap(3),
    "NonMaxSuppressionV5": softened,
}
"""By op."""
