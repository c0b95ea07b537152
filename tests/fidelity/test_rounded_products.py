# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Products are rounded before they go into a sum, whatever they are products of.

LLVM knows of some numbers that they are no NaN, and XLA makes ordinary products of
matrix products that add nothing up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.fidelity.compiled import both
from tests.turns import Once

INTEGERS = np.arange(256, dtype=np.int32).reshape(64, 4)


def number(x: Any, dtype: Any = tf.float32) -> Any:
    """Never NaN, which compilers know."""
    return tf.cast(x, dtype)


def kernel(*shape: int) -> Any:
    """Weights that are not exact."""
    count = int(np.prod(shape))
    return tf.constant(np.linspace(0.1, 0.7, count), tf.float32, shape)


def in_loop(x: Any) -> Any:
    def step(i: Any, a: Any) -> tuple[Any, Any]:
        return i + 1, a + number(x) * 0.1

    return tf.while_loop(lambda i, _: i < 3, step, (0, number(x) * 0))[1]


def imputed(x: Any) -> Any:
    known = tf.where(x % 5 == 0, np.float32(np.nan), number(x))
    return tf.where(tf.math.is_nan(known), 7.0, known) * 0.1 - 0.7


def image(x: Any, channels: int) -> Any:
    return tf.reshape(number(x), [64, 4 // channels, 1, channels])


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "int32": lambda x: number(x) * 0.1 - 0.3,
    "int64": lambda x: number(number(x, tf.int64)) * 0.1 - 0.3,
    "uint8": lambda x: number(number(x, tf.uint8)) * 0.1 - 0.3,
    "float64": lambda x: number(x, tf.float64) * 0.1 - 0.3,
    "float16": lambda x: number(x, tf.float16) * 0.1 - 0.3,
    "bfloat16": lambda x: number(x, tf.bfloat16) * 0.1 - 0.3,
    "shifted": lambda x: (number(x) - 127.5) * 0.1 + 0.3,
    "two": lambda x: number(x) * 0.1 + number(x) * 0.3,
    "square": lambda x: tf.square(number(x) * 0.1) - 0.09,
    "from the other side": lambda x: 0.3 - number(x) * 0.1,
    "position": lambda x: number(tf.argmax(x % 7, 1)) * 0.1 - 0.3,
    "compared": lambda x: number(number(x) * 0.1 - 0.3 >= 0, tf.int32),
    "floor": lambda x: tf.floor(number(x) * 0.1 + 0.3),
    "bytes": lambda x: number(
        (number(x) * (1 / 127.5) - 1.0) * 127.5 + 127.5, tf.uint8
    ),
    "loop": in_loop,
    "imputed": imputed,
    "matrix": lambda x: number(x)[:, :1] @ kernel(1, 3) - 0.3,
    "bias": lambda x: tf.nn.bias_add(number(x)[:, 1:2] @ kernel(1, 2), [-0.3, -0.7]),
    "transposed": lambda x: (
        tf.matmul(number(x)[:, :1], kernel(3, 1), transpose_b=True) - 0.3
    ),
    "einsum": lambda x: (
        tf.einsum("bik,kj->bij", number(x)[..., None], kernel(1, 2)) - 1
    ),
    "one pixel": lambda x: (
        tf.nn.conv2d(image(x, 1), kernel(1, 1, 1, 1), 1, "SAME") - 0.3
    ),
    "each channel": lambda x: (
        tf.nn.depthwise_conv2d(image(x, 4), kernel(1, 1, 4, 1), [1] * 4, "SAME") - 0.3
    ),
}


@pytest.mark.slow
def test_sums_are_those_of_rounded_products(once: Once):
    def compute(x: Any) -> dict[str, Any]:
        return {f"y{at}": each(x) for at, each in enumerate(FUNCTIONS.values())}

    found, wanted = both(once, "products/integers", compute, {"x": INTEGERS})
    differ = [
        name
        for at, name in enumerate(FUNCTIONS)
        if not np.array_equal(found[f"y{at}"], wanted[f"y{at}"])
    ]
    assert not differ
