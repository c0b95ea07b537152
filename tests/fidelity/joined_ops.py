# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Pairs of ops, one of which reads the other: what a compiler could join."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

Array = npt.NDArray[Any]
Function = Callable[[Any, Any], Any]

_POSITIVE = [1e-3, 0.1, 1.0, 2.0, 3.0, 7.0, 50.0, 89.0, 1e8, 1e10, 1e20, 1e38]
_NUMBERS = [0.0, *_POSITIVE, 1e-20, *(-n for n in _POSITIVE), np.inf, -np.inf, np.nan]


def arguments() -> tuple[Array, Array]:
    """All pairs of some numbers, of all sizes: two arrays [n] float32."""
    x, y = np.meshgrid(_NUMBERS, _NUMBERS)
    return x.ravel().astype(np.float32), y.ravel().astype(np.float32)


INNER: dict[str, Function] = {
    "x": lambda x, y: x,
    "y": lambda x, y: y,
    "exp": lambda x, y: tf.exp(x),
    "log": lambda x, y: tf.math.log(x),
    "log1p": lambda x, y: tf.math.log1p(x),
    "expm1": lambda x, y: tf.math.expm1(x),
    "sqrt": lambda x, y: tf.sqrt(x),
    "rsqrt": lambda x, y: tf.math.rsqrt(x),
    "abs": lambda x, y: tf.abs(x),
    "neg": lambda x, y: -x,
    "reciprocal": lambda x, y: tf.math.reciprocal(x),
    "square": lambda x, y: tf.square(x),
    "x*x": lambda x, y: x * x,
    "x*y": lambda x, y: x * y,
    "x*y moved": lambda x, y: tf.reverse(tf.reshape(x * y, [-1, 1]), [0])[::-1, 0],
    "x*1e30": lambda x, y: x * 1e30,
    "x*0.3": lambda x, y: x * 0.3,
    "x/y": lambda x, y: x / y,
    "x/3": lambda x, y: x / 3.0,
    "x/1e30": lambda x, y: x / 1e30,
    "1/x": lambda x, y: 1.0 / x,
    "pow": tf.pow,
    "pow 2": lambda x, y: tf.pow(x, 2.0),
    "pow 3": lambda x, y: tf.pow(x, 3.0),
    "pow -1": lambda x, y: tf.pow(x, -1.0),
    "pow 0.5": lambda x, y: tf.pow(x, 0.5),
    "pow -2": lambda x, y: tf.pow(x, -2.0),
    "x+y": lambda x, y: x + y,
    "x-y": lambda x, y: x - y,
    "x+1e8": lambda x, y: x + 1e8,
    "1e8-x": lambda x, y: 1e8 - x,
    "bias": lambda x, y: tf.nn.bias_add(x[:, None], [1e8])[:, 0],
    "sigmoid": lambda x, y: tf.sigmoid(x),
    "tanh": lambda x, y: tf.tanh(x),
    "softplus": lambda x, y: tf.math.softplus(x),
    "maximum": tf.maximum,
    "mean": lambda x, y: tf.reduce_mean(tf.stack([x, y, x]), 0),
    "squared": tf.math.squared_difference,
    "divide_no_nan": tf.math.divide_no_nan,
    "float16": lambda x, y: tf.cast(tf.cast(x, tf.float16), tf.float32),
}
"""What the first op computes from x and y."""

EXACT = frozenset(
    "x y abs neg square x*x x*y x*1e30 x*0.3 x+y x-y x+1e8 1e8-x bias maximum".split()
) | {"x*y moved", "float16"}
"""Of these, the ops whose results are the nearest numbers, also in TensorFlow."""

OUTER: dict[str, Function] = {
    "exp": lambda a, x: tf.exp(a),
    "log": lambda a, x: tf.math.log(a),
    "log1p": lambda a, x: tf.math.log1p(a),
    "sqrt": lambda a, x: tf.sqrt(a),
    "rsqrt": lambda a, x: tf.math.rsqrt(a),
    "abs": lambda a, x: tf.abs(a),
    "reciprocal": lambda a, x: tf.math.reciprocal(a),
    "square": lambda a, x: tf.square(a),
    "a*x": lambda a, x: a * x,
    "a*1e30": lambda a, x: a * 1e30,
    "a*1*1e-30": lambda a, x: a * 1.0 * 1e-30,
    "a/x": lambda a, x: a / x,
    "x/a": lambda a, x: x / a,
    "a/1e30": lambda a, x: a / 1e30,
    "2/a": lambda a, x: 2.0 / a,
    "pow a": tf.pow,
    "pow 2": lambda a, x: tf.pow(a, 2.0),
    "pow 0.5": lambda a, x: tf.pow(a, 0.5),
    "pow -1": lambda a, x: tf.pow(a, -1.0),
    "a+x": lambda a, x: a + x,
    "x-a": lambda a, x: x - a,
    "a-1e8": lambda a, x: a - 1e8,
    "a+0-1e8": lambda a, x: (a + 0.0) - 1e8,
    "1e8-a": lambda a, x: 1e8 - a,
    "bias": lambda a, x: tf.nn.bias_add(a[:, None], [-1e8])[:, 0],
    "sigmoid": lambda a, x: tf.sigmoid(a),
    "xdivy": lambda a, x: tf.math.xdivy(x, a),
    "sum": lambda a, x: tf.reduce_sum(tf.stack([a, -x]), 0),
    "squared": tf.math.squared_difference,
    "floor": lambda a, x: tf.floor(a),
    "less": lambda a, x: tf.cast(a < x, tf.float32),
}
"""What the second op computes from that, and from x."""


_JUMPS = frozenset({"floor", "less", "pow a"})
"""Of these, the ops whose results jump where operands differ in the last bit."""


@dataclass(frozen=True)
class Pair:
    """One op behind another: ``outer(inner(x, y), with_what(x, y))``."""

    inner: str
    outer: str
    operand: str

    def __str__(self) -> str:
        return f"{self.outer} of {self.inner}, with {self.operand}"

    def operands(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Both operands of the second op."""
        return INNER[self.inner](x, y), INNER[self.operand](x, y)


def pairs() -> Iterator[Pair]:
    """All pairs, with another number and with the same op's result of the other."""
    for inner in INNER:
        for outer in OUTER:
            for operand in sorted({"x", "y", inner}):
                # TensorFlow's reciprocal of -1 is not -1, and log1p has a pole there.
                is_at_pole = outer == "log1p" and inner == "reciprocal"
                is_exact = {inner, operand} <= EXACT
                if not is_at_pole and (outer not in _JUMPS or is_exact):
                    yield Pair(inner, outer, operand)
