# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an op of a random model is, and what is known of its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Value:
    """What is known of a tensor.

    Attributes:
        kind: "float", "int" or "bool".
        shape: Of a row; of all of it without rows.
        bound: No finite element is larger.
        exact: Whether no element was rounded. What jumps is applied to such only.
        has_rows: Whether it has a row for each row of the inputs.
    """

    kind: str
    shape: tuple[int, ...]
    bound: float
    exact: bool = True
    has_rows: bool = True

    @property
    def size(self) -> int:
        """Elements in a row."""
        return int(np.prod(self.shape, initial=1))


Fits = Callable[[Value], bool]
Result = Callable[..., Value]


@dataclass(frozen=True)
class Op:
    """An op of a model.

    Attributes:
        name: For messages.
        takes: What operands have to be.
        result: What is known of the result, from the operands.
        function: In TensorFlow, from tensors.
        together: Whether two operands fit each other.
    """

    name: str
    takes: tuple[Fits, ...]
    result: Result
    function: Callable[..., Any]
    together: Callable[[Value, Value], bool] = lambda a, b: True


def floats(value: Value) -> bool:
    """Of any shape."""
    return value.kind == "float" and value.has_rows


def exact(value: Value) -> bool:
    """Floats without rounding."""
    return floats(value) and value.exact


def vectors(value: Value) -> bool:
    """Floats of at least one dimension beside the rows."""
    return floats(value) and len(value.shape) > 0


def exact_vectors(value: Value) -> bool:
    """Likewise, without rounding."""
    return vectors(value) and value.exact


def matrices(value: Value) -> bool:
    """Floats of two dimensions beside the rows."""
    return floats(value) and len(value.shape) == 2


def integers(value: Value) -> bool:
    """Integers of at least one dimension beside the rows."""
    return value.kind == "int" and value.has_rows and len(value.shape) > 0


def booleans(value: Value) -> bool:
    """Booleans of any shape."""
    return value.kind == "bool" and value.has_rows


def same_shape(a: Value, b: Value) -> bool:
    """For operands of one shape."""
    return a.shape == b.shape


def kept(a: Value, *others: Value) -> Value:
    """Of the first one's shape; no larger than the largest."""
    every = (a, *others)
    return replace(
        a,
        bound=max(value.bound for value in every),
        exact=all(value.exact for value in every),
    )


def rounded(bound: float) -> Result:
    """Of the same shape, but rounded, and no larger than this."""
    return lambda a, *_: replace(a, bound=bound, exact=False)


def shaped(a: Value, shape: tuple[int, ...], terms: int = 1) -> Value:
    """Of another shape, with sums of so many terms."""
    return replace(a, shape=shape, bound=a.bound * terms)


def weights(*shape: int) -> Any:
    """A constant of multiples of 1/4, with which sums stay exact."""
    import tensorflow as tf

    values = np.random.default_rng(sum(shape)).integers(-4, 5, shape) / 4
    return tf.constant(values.astype(np.float32))
