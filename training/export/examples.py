# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rows as the tf.Examples that an exported model takes: numbers, no packed bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import tfnative

INPUT = "inputs"
"""What signatures that take serialized tf.Examples call them."""


def as_examples(features: dict[str, NDArray[Any]]) -> NDArray[np.object_]:
    """A serialized tf.Example for each row, (rows,) of bytes.

    Args:
        features: By name, (rows, ...), as a model gets them.
    """
    rows = len(next(iter(features.values())))
    found = np.empty(rows, object)
    for row in range(rows):
        values = {name: array[row] for name, array in features.items()}
        found[row] = tfnative.encode_example(values)
    return found


def with_examples(features: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Features by name, and beside them the same rows as serialized tf.Examples."""
    return {**features, INPUT: as_examples(features)}
