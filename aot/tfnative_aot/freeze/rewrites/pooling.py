# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Pools windows as TensorFlow's kernels do.

The largest number of a window is looked for past NaN. A mean is divided by the number
of its elements, as other means are; XLA would multiply by the reciprocal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot import adapters
from tfnative_aot.freeze.rewrites.divisions import divide_by_constant
from tfnative_aot.freeze.rewrites.rule import Replacement, Rule, element_type
from tfnative_aot.freeze.rewrites.windows import places_around

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

# TensorFlow begins with the lowest number of these types, with minus infinity else.
_FROM_LOWEST = (tf.float32, tf.float64)


@dataclass(frozen=True)
class _Windows:
    """Windows over a tensor.

    Attributes:
        sizes: Of a window, by dimension.
        strides: From one to the next.
        padding: "SAME" or "VALID".
        form: The order of dimensions, such as "NHWC".
    """

    sizes: Sequence[int]
    strides: Sequence[int]
    padding: str
    form: str

    @classmethod
    def of(cls, node: NodeDef) -> _Windows:
        return cls(
            sizes=list(node.attr["ksize"].list.i),
            strides=list(node.attr["strides"].list.i),
            padding=node.attr["padding"].s.decode(),
            form=node.attr["data_format"].s.decode(),
        )

    def shape(self, x: Any) -> Any:
        """The shape of what is pooled: that of the largest numbers."""
        is_volume = len(self.sizes) == 5
        op = tf.raw_ops.MaxPool3D if is_volume else tf.raw_ops.MaxPool
        given = {"data_format": self.form} if self.form else {}
        like = op(
            input=x,
            ksize=self.sizes,
            strides=self.strides,
            padding=self.padding,
            **given,
        )
        return tf.shape(like)

    def reduce(self, x: Any, start: Any, join: Callable[[Any, Any], Any]) -> Any:
        """Joins the elements of each window."""
        shape = self.shape(x)
        pooled = adapters.tf().reduce_window(
            x, start, join, self.sizes, self.strides, self._around(x, shape)
        )
        return tf.reshape(pooled, shape)  # XLA's op does not tell TensorFlow.

    def counts(self, x: Any) -> Any:
        """How many elements of ``x`` are in each window, for all but its rows."""
        if self.padding == "VALID":
            return tf.reduce_prod(self.sizes)
        shape = self.shape(x)
        before = self._around(x, shape)[:, 0]
        counts = tf.constant(1)
        for axis in range(1, len(self.sizes)):
            first = tf.range(shape[axis]) * self.strides[axis] - before[axis]
            last = tf.minimum(first + self.sizes[axis], tf.shape(x)[axis])
            along = last - tf.maximum(first, 0)
            counts = counts[..., None] * along
        return counts

    def _around(self, x: Any, shape: Any) -> Any:
        return places_around(x, shape, self.sizes, self.strides, self.padding)


def _pool(pool: Callable[[_Windows, Any], Any]) -> Rule:
    def rule(node: NodeDef) -> Replacement | None:
        dtype, windows = element_type(node), _Windows.of(node)
        if not dtype.is_floating or windows.padding not in ("SAME", "VALID"):
            return None
        specs = [tf.TensorSpec([None] * len(windows.sizes), dtype)]
        return Replacement(lambda x: pool(windows, x), specs)

    return rule


def _largest(windows: _Windows, x: Any) -> Any:
    lowest = x.dtype.min if x.dtype in _FROM_LOWEST else -float("inf")
    return windows.reduce(x, tf.cast(lowest, x.dtype), _larger)


def _larger(known: Any, x: Any) -> Any:
    return tf.where(x > known, x, known)


def _mean(windows: _Windows, x: Any) -> Any:
    total = windows.reduce(x, tf.zeros([], x.dtype), tf.add)
    return divide_by_constant(total, windows.counts(x))


RULES: Mapping[str, Rule] = {
    "AvgPool": _pool(_mean),
    "AvgPool3D": _pool(_mean),
    "MaxPool": _pool(_largest),
    "MaxPool3D": _pool(_largest),
}
