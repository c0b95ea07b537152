# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Takes patches of images by moving pixels.

XLA multiplies each pixel of a patch with 1 and the others with 0, and adds them up: one
NaN or infinity fills the patch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import Replacement, element_type
from tfnative_aot.freeze.rewrites.windows import places_around

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.rule import Rule


def _patches(node: NodeDef) -> Replacement:
    sizes, strides, rates = (
        list(node.attr[name].list.i) for name in ("ksizes", "strides", "rates")
    )
    padding = node.attr["padding"].s.decode()
    window = [(k - 1) * rate + 1 for k, rate in zip(sizes, rates, strict=True)]

    def take(images: Any) -> Any:
        like = tf.raw_ops.ExtractImagePatches(
            images=images, ksizes=sizes, strides=strides, rates=rates, padding=padding
        )
        shape = tf.shape(like)
        places = tf.concat([shape[:3], tf.shape(images)[3:]], 0)
        around = places_around(images, places, window, strides, padding)
        padded = tf.pad(images, around)
        rows = tf.stack(
            [
                padded[:, first : first + (shape[1] - 1) * strides[1] + 1 : strides[1]]
                for first in range(0, window[1], rates[1])
            ],
            axis=2,
        )
        columns = tf.stack(
            [
                rows[
                    ..., first : first + (shape[2] - 1) * strides[2] + 1 : strides[2], :
                ]
                for first in range(0, window[2], rates[2])
            ],
            axis=4,
        )
        return tf.reshape(tf.transpose(columns, [0, 1, 3, 2, 4, 5]), shape)

    return Replacement(take, [tf.TensorSpec([None] * 4, element_type(node))])


RULES: Mapping[str, Rule] = {"ExtractImagePatches": _patches}
