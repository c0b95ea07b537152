# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where the windows of poolings and patches lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def places_around(
    x: Any, shape: Any, window: Sequence[int], strides: Sequence[int], padding: str
) -> Any:
    """How many places there are before and after those of ``x``, by dimension.

    Args:
        x: What the windows are of: [rows, ...].
        shape: How many windows there are, by dimension.
        window: The sizes of one.
        strides: From one to the next.
        padding: "SAME" or "VALID".
    """
    if padding == "VALID":
        return tf.constant([[0, 0]] * len(window))
    # Not of the rows, whose number decides nothing here.
    reached = (shape[1:] - 1) * strides[1:] + window[1:] - tf.shape(x)[1:]
    total = tf.maximum(reached, 0)
    sizes = tf.stack([total // 2, total - total // 2], 1)
    return tf.concat([[[0, 0]], sizes], 0)
