# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An op that TensorFlow checks while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = tuple[Any, ...]


@dataclass(frozen=True)
class Checked:
    """An op, and inputs for it.

    Attributes:
        ops: What is checked in it.
        function: Takes the inputs, as TensorFlow's tensors.
        good: Inputs that it takes.
        bad: Inputs that it does not take, by what is wrong with them.
        same_text: Whether the message is TensorFlow's to the last character.
    """

    ops: tuple[str, ...]
    function: Callable[..., Any]
    good: Arrays
    bad: Mapping[str, Arrays]
    same_text: bool = True


def int32(values: Any) -> Any:
    return np.array(values, np.int32)


def int64(values: Any) -> Any:
    return np.array(values, np.int64)


def float32(values: Any) -> Any:
    return np.array(values, np.float32)


TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)

GOOD_MATRIX = float32([[4, 1], [1, 3]])
SINGULAR = float32([[1, 2], [2, 4]])
