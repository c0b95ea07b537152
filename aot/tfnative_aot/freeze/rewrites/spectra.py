# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds eigenvalues and singular values of matrices of any size of numbers.

XLA's iterations end where what is left is small beside 1, and square numbers on the
way: those of matrices of 1e-6 would be off by a third, and those of 1e20 NaN. So the
matrices are divided by their largest number, and their values multiplied by it.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.rule import element_type, of_any_shape

OPS = ("SelfAdjointEigV2", "Svd")
"""The first output of each has the values, smallest or largest first."""


def scale_spectra(editor: GraphEditor) -> None:
    """Lets the ops of a graph or a body see numbers around 1 alone."""
    for node in editor.nodes(*OPS):
        dtype = element_type(node)
        if not dtype.is_floating:
            continue
        matrices, number = node.input[0], node.attr["T"].type
        for reader in editor.readers(node):
            for place, name in enumerate(reader.input):
                if name in (node.name, f"{node.name}:0"):
                    values = editor.insert(reader, place, "Identity", number)
                    editor.add_input(values, matrices)
                    editor.replace(values, _larger, of_any_shape(dtype, dtype))
        between = editor.insert(node, 0, "Identity", number)
        editor.replace(between, _smaller, of_any_shape(dtype))


def _smaller(matrices: Any) -> Any:
    return matrices / _sizes(matrices)[..., None, None]


def _larger(values: Any, matrices: Any) -> Any:
    return values * _sizes(matrices)[..., None]


def _sizes(matrices: Any) -> Any:
    """The largest absolute value of each matrix; 1 if there is no such number."""
    largest = tf.reduce_max(tf.abs(matrices), [-2, -1])
    is_number = tf.math.is_finite(largest) & (largest > 0)
    return tf.where(is_number, largest, tf.ones_like(largest))
