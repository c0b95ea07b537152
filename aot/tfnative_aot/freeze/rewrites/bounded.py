# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Clips numbers as TensorFlow does when the lower bound is above the upper one.

XLA's clamp gives the upper bound then, TensorFlow's kernel the lower one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import Replacement, Rule, same_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef


def _clip(node: NodeDef) -> Replacement:
    return same_types(node, 3, _clipped)


def _clipped(x: Any, low: Any, high: Any) -> Any:
    bounds = [tf.get_static_value(each) for each in (low, high)]
    if all(each is not None for each in bounds) and np.all(bounds[0] <= bounds[1]):
        return tf.raw_ops.ClipByValue(t=x, clip_value_min=low, clip_value_max=high)
    # The order of these decides, and what a comparison with NaN gives.
    below = tf.where(high < x, high, x)
    return tf.where(below < low, low, below)


RULES: Mapping[str, Rule] = {"ClipByValue": _clip}
