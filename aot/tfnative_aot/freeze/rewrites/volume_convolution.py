# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a sum of two-dimensional convolutions of each three-dimensional one.

XLA's compiler for CPUs does not take three-dimensional convolutions. A kernel is a
stack of planes: each of them, moved over the planes of the input, is a convolution
in two dimensions, and the sum of their results is that in three.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_LAST_CHANNEL = (b"", b"NDHWC")


def split_volumes(editor: GraphEditor) -> None:
    """Replaces Conv3D and its gradient, which is the transposed convolution."""
    for node in editor.nodes("Conv3D", "Conv3DBackpropInputV2"):
        depth = _depth(editor, node)
        if node.attr["data_format"].s not in _LAST_CHANNEL or depth is None:
            continue
        dtype = node.attr["T"].type
        weights = tf.TensorSpec([depth, None, None, None, None], dtype)
        volume = tf.TensorSpec([None] * 5, dtype)
        if node.op == "Conv3D":
            convolve = functools.partial(_convolve, _Window(node))
            editor.replace(node, convolve, [volume, weights])
        else:
            transpose = functools.partial(_transpose, _Window(node))
            sizes = tf.TensorSpec([5], node.attr["Tshape"].type or tf.int32)
            editor.replace(node, transpose, [sizes, weights, volume])


def _depth(editor: GraphEditor, node: NodeDef) -> int | None:
    """How many planes the weights have, which may be computed; None if not known."""
    weights = editor.constant(node, 1)
    return editor.size(node, 1, 0) if weights is None else int(weights.shape[0])


class _Window:
    """Strides, dilations and padding of a convolution."""

    def __init__(self, node: NodeDef) -> None:
        self.stride, *self.plane_strides = node.attr["strides"].list.i[1:4]
        dilations = list(node.attr["dilations"].list.i) or [1] * 5
        self.dilation, *self.plane_dilations = dilations[1:4]
        self.padding = node.attr["padding"].s.decode()

    def reach(self, weights: Any) -> Any:
        """Depth of the kernel with its dilation."""
        return (weights.shape[0] - 1) * self.dilation + 1

    def padding_before(self, small: Any, large: Any, reach: int) -> tuple[Any, Any]:
        """Planes of padding at both ends of the larger side, of ``large`` planes."""
        if self.padding == "VALID":
            return 0, 0
        total = tf.maximum((small - 1) * self.stride + reach - large, 0)
        return total // 2, total - total // 2


def _convolve(of: _Window, x: Any, weights: Any) -> Any:
    reach = of.reach(weights)
    depth = tf.shape(x)[1]
    if of.padding == "VALID":
        planes = (depth - reach) // of.stride + 1
    else:
        planes = (depth + of.stride - 1) // of.stride
    before, after = of.padding_before(planes, depth, reach)
    x = _pad(x, before, after)

    def one(k: int) -> Any:
        first = k * of.dilation
        chosen = x[:, first : first + (planes - 1) * of.stride + 1 : of.stride]
        return tf.nn.conv2d(
            _merge(chosen),
            weights[k],
            of.plane_strides,
            of.padding,
            dilations=of.plane_dilations,
        )

    return _unmerge(_sum(one, weights), x, planes)


def _transpose(of: _Window, size: Any, weights: Any, x: Any) -> Any:
    reach = of.reach(weights)
    depth = tf.shape(x)[1]
    merged = _merge(x)
    plane = tf.concat([tf.shape(merged)[:1], size[2:]], 0)

    def one(k: int) -> Any:
        y = tf.nn.conv2d_transpose(
            merged,
            weights[k],
            plane,
            of.plane_strides,
            of.padding,
            dilations=of.plane_dilations,
        )
        spread = _spread(_unmerge(y, x, depth), of.stride, depth)
        first = k * of.dilation
        return _pad(spread, first, reach - 1 - first)

    full = _sum(one, weights)
    length = (depth - 1) * of.stride + reach
    before, _ = of.padding_before(depth, size[1], reach)
    full = _pad(full, 0, tf.maximum(before + size[1] - length, 0))
    return full[:, before : before + size[1]]


def _sum(one: Callable[[int], Any], weights: Any) -> Any:
    return tf.add_n([one(k) for k in range(weights.shape[0])])


def _merge(x: Any) -> Any:
    """Makes images of planes: (batch * depth, height, width, channels)."""
    return tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0))


def _unmerge(y: Any, x: Any, planes: Any) -> Any:
    """Makes planes of images again, for as many rows as ``x`` has."""
    rows = tf.shape(x)[:1]
    return tf.reshape(y, tf.concat([rows, [planes], tf.shape(y)[1:]], 0))


def _pad(x: Any, before: Any, after: Any) -> Any:
    return tf.pad(x, [[0, 0], [before, after], [0, 0], [0, 0], [0, 0]])


def _spread(x: Any, stride: int, depth: Any) -> Any:
    """Puts ``stride - 1`` planes of zeros between two planes."""
    if stride == 1:
        return x
    gaps = tf.pad(x[:, :, None], [[0, 0]] * 2 + [[0, stride - 1]] + [[0, 0]] * 3)
    shape = tf.shape(x)
    together = tf.reshape(gaps, tf.concat([shape[:1], [-1], shape[2:]], 0))
    return together[:, : (depth - 1) * stride + 1]
