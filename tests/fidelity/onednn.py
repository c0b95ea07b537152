# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which kernels TensorFlow has on this CPU."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def has_onednn() -> bool:
    """Whether TensorFlow computes dilated depthwise convolutions, on newer CPUs."""
    image, kernel = np.ones((1, 8, 8, 1), np.float32), np.ones((2, 2, 1, 1), np.float32)
    try:
        tf.raw_ops.DepthwiseConv2dNative(
            input=image,
            filter=kernel,
            strides=[1, 1, 1, 1],
            dilations=[1, 2, 2, 1],
            padding="SAME",
        )
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        return False
    return True
