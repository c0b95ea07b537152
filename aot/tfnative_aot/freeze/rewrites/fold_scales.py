# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Folds batch normalization, and other scaling by channel, into weights.

Grappler folds a multiplication that comes right after a convolution. It does not
look past a bias, which Keras convolutions have by default, nor at matrix products,
transposed convolutions and 1D convolutions, which are followed by a Squeeze. And
it takes FusedBatchNorm as a kernel of TensorFlow's. XLA folds none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tensorflow.core.framework import types_pb2

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class _Linear:
    """An op that is linear in its weights.

    Attributes:
        rank: Number of dimensions of its output, whose last one is the channel.
        channels: The dimensions of its weights that make up the channel.
    """

    rank: int
    channels: tuple[int, ...]


# Weights are input number 1 of all of them.
_LINEAR = {
    "Conv2D": _Linear(4, (3,)),
    "Conv3D": _Linear(5, (4,)),
    "Conv2DBackpropInput": _Linear(4, (2,)),
    "Conv3DBackpropInputV2": _Linear(5, (3,)),
    "DepthwiseConv2dNative": _Linear(4, (2, 3)),
    "MatMul": _Linear(2, (1,)),
}
_BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_LAST_CHANNEL = (b"", b"NHWC", b"NDHWC")
# In half precision, rounding the folded weights would change the result.
_TYPES = (types_pb2.DT_FLOAT, types_pb2.DT_DOUBLE)


@dataclass(frozen=True)
class _Affine:
    """A node that computes ``scale * x + offset``, by channel."""

    node: NodeDef
    place: int
    scale: Vector
    offset: Vector


def fold_scales(editor: GraphEditor) -> None:
    """Folds what scales and shifts the channels of a linear op into its weights.

    What is left after each is one addition of a bias, if anything was added.
    """
    for node in editor.nodes(*_LINEAR):
        _fold(editor, node)


def _fold(editor: GraphEditor, node: NodeDef) -> None:
    kind = _linear(node)
    weights = editor.constant(node, 1)
    if weights is None or node.attr["T"].type not in _TYPES:
        return
    if node.attr["data_format"].s not in _LAST_CHANNEL:
        return
    count = int(np.prod([weights.shape[axis] for axis in kind.channels]))
    chain = _affine_chain(editor, node, kind.rank, count)
    scale, offset = np.ones(count), np.zeros(count)
    for step in chain:
        scale, offset = scale * step.scale, offset * step.scale + step.offset
    is_scaled = bool(np.any(scale != 1))
    if not (is_scaled or len(chain) > 1):
        return
    if not (np.all(np.isfinite(scale)) and np.all(np.isfinite(offset))):
        return
    if is_scaled:
        shape = [1] * weights.ndim
        for axis in kind.channels:
            shape[axis] = weights.shape[axis]
        folded = (weights * scale.reshape(shape)).astype(weights.dtype)
        name = editor.add_constant(f"{node.name}/folded_weights", folded, node)
        editor.set_input(node, 1, name)
    for step in chain[:-1]:
        editor.become(step.node, "Identity", [step.node.input[step.place]])
    last = chain[-1].node
    source = last.input[chain[-1].place]
    if all(step.node.op in ("Mul", "RealDiv") for step in chain):
        # A bias of zeros would cost a pass, and make positive zeros of negative ones.
        editor.become(last, "Identity", [source])
        return
    name, value = f"{last.name}/folded_bias", offset.astype(weights.dtype)
    bias = editor.add_constant(name, value, last)
    editor.become(last, "BiasAdd", [source, bias])


def _linear(node: NodeDef) -> _Linear:
    if node.op == "MatMul" and node.attr["transpose_b"].b:
        return _Linear(2, (0,))
    return _LINEAR[node.op]


def _affine_chain(
    editor: GraphEditor, node: NodeDef, rank: int, count: int
) -> list[_Affine]:
    """The affine nodes after ``node``, as far as each is read by the next only."""
    chain: list[_Affine] = []
    while (found := editor.only_reader(node)) is not None:
        node, place = found
        if editor.is_output(node):
            break
        if (next_rank := _rank_after(editor, node, place, rank)) is not None:
            rank = next_rank
            continue
        affine = _affine(editor, node, place, rank, count)
        if affine is None:
            break
        chain.append(affine)
    return chain


def _rank_after(
    editor: GraphEditor, node: NodeDef, place: int, rank: int
) -> int | None:
    """The rank after an op that moves elements about, but not between channels."""
    if place != 0:
        return None
    if node.op == "Identity":
        return rank
    if node.op == "BatchToSpaceND":
        block = editor.constant(node, 1)
        return rank if block is not None and block.size < rank - 1 else None
    if node.op == "Squeeze":
        dims = {dim % rank for dim in node.attr["squeeze_dims"].list.i}
        return rank - len(dims) if dims and rank - 1 not in dims else None
    return None


def _affine(
    editor: GraphEditor, node: NodeDef, place: int, rank: int, count: int
) -> _Affine | None:
    if node.op in _BATCH_NORMS:
        return _batch_norm(editor, node, place)
    if node.op == "BiasAdd" and node.attr["data_format"].s not in _LAST_CHANNEL:
        return None
    if node.op not in ("BiasAdd", "Add", "AddV2", "Sub", "Mul", "RealDiv"):
        return None
    value = _by_channel(editor.constant(node, 1 - place), rank, count)
    if value is None:
        return None
    one, zero = np.ones(count), np.zeros(count)
    if node.op == "Mul":
        return _Affine(node, place, value, zero)
    if node.op == "RealDiv":
        return _Affine(node, place, 1 / value, zero) if place == 0 else None
    if node.op == "Sub" and place == 0:
        return _Affine(node, place, one, -value)
    return _Affine(node, place, -one if node.op == "Sub" else one, value)


def _by_channel(value: NDArray[Any] | None, rank: int, count: int) -> Vector | None:
    """One number per channel, if ``value`` broadcasts along the others only."""
    if value is None or value.ndim > rank:
        return None
    if value.size == 1:
        return np.full(count, value.reshape(()), np.float64)
    if value.shape[-1] != count or value.size != count:
        return None
    return value.reshape(count).astype(np.float64)


def _batch_norm(editor: GraphEditor, node: NodeDef, place: int) -> _Affine | None:
    is_training = node.attr["is_training"].b or "is_training" not in node.attr
    if place != 0 or is_training or node.attr["data_format"].s not in _LAST_CHANNEL:
        return None
    values = [editor.constant(node, n) for n in (1, 2, 3, 4)]
    gamma, beta, mean, variance = (
        None if value is None else value.astype(np.float64) for value in values
    )
    if gamma is None or beta is None or mean is None or variance is None:
        return None
    scale = gamma / np.sqrt(variance + node.attr["epsilon"].f)
    return _Affine(node, place, scale, beta - mean * scale)
