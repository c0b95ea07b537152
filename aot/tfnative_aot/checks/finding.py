# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a rule finds to check at a node, as tensors of the graph that it is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

MOST_VALUES = 8
"""TFN_MAX_CHECK_VALUES of abi.h."""
_LAST_INT32 = 2**31 - 1


@dataclass(frozen=True)
class Span:
    """That all elements of a tensor, int32 or int64, are in [0, limit)."""

    checked: Any
    limit: int


@dataclass(frozen=True)
class Finding:
    """One way in which a node may fail.

    Attributes:
        message: TensorFlow's, with the places for numbers that abi.h describes.
        position: An int32 scalar: of the first bad element, in row-major order; -1 if
            there is none.
        values: Scalars for the message, of any type but strings.
        checked: The tensor of the model that ``position`` counts in. None: what is
            wrong is not one element.
        without_last: How many of its last dimensions belong to one element.
        joint: Whether it looks at the rows of a batch together.
        span: What is checked, if it is that integers are in [0, limit), or None.
    """

    message: str
    position: Any
    values: tuple[Any, ...] = ()
    checked: Any = None
    without_last: int = 0
    joint: bool = False
    span: Span | None = None


def first(bad: Any) -> Any:
    """The position of the first true element of a bool tensor, or -1, as int32."""
    if bad.shape.rank == 0:
        return tf.where(bad, tf.constant(0), tf.constant(-1))
    flat = tf.reshape(bad, [-1])
    places = tf.range(tf.size(flat))
    found = tf.reduce_min(tf.where(flat, places, tf.constant(_LAST_INT32)))
    return tf.where(found < _LAST_INT32, found, tf.constant(-1))


def at(tensor: Any, position: Any) -> Any:
    """The element of a tensor at a position, any one if the position is -1."""
    flat = tf.reshape(tensor, [-1])
    if tensor.shape.num_elements() == 1:
        return flat[0]
    return tf.gather(flat, tf.maximum(position, 0))


def only_if(condition: Any, position: Any) -> Any:
    """The position if a bool scalar is true, else -1."""
    return tf.where(condition, position, tf.constant(-1))


def has_no_elements(tensor: Any) -> bool:
    """Whether a tensor is known to be empty, so that nothing in it can be bad."""
    return tensor.shape.rank is not None and 0 in tensor.shape.as_list()


def words(finding: Finding) -> Any:
    """Position and values of a finding as int64, floats as the bits of a double."""
    numbers = [finding.position, *finding.values]
    return tf.stack([_word(number) for number in numbers])


def _word(number: Any) -> Any:
    if number.dtype.is_floating:
        return tf.bitcast(tf.cast(number, tf.float64), tf.int64)
    return tf.cast(number, tf.int64)


def literal(text: str) -> str:
    """Text as it stands in a message that has places for numbers in it."""
    return text.replace("{", "{{").replace("}", "}}")


def place(kind: str, number: int) -> str:
    """The place for a value in a message."""
    return f"{{{kind}{number}}}"
