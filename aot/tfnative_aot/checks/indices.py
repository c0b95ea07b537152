# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Indices into tensors: gathers, scatters, segments."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfnative_aot.checks.facts import Facts
from tfnative_aot.checks.finding import (
    Finding,
    Span,
    at,
    first,
    has_no_elements,
    literal,
    place,
)
from tfnative_aot.checks.interval import Interval
from tfnative_aot.rows.verdict import shown

_WIDE = (tf.int32, tf.int64)
_MOST_SHOWN = 7
"""Indices of one element in a message; the position is a number, too."""


def gather(node: Any, facts: Facts) -> list[Finding]:
    """Gather, GatherV2: every index is a place in one dimension."""
    params, indices = node.inputs[:2]
    axis = 0
    if len(node.inputs) > 2:
        found = facts.constant(node.inputs[2])
        if found is None:
            return []  # XLA does not compile it.
        axis = int(found)
    return in_range(
        indices,
        params.shape[axis] if params.shape.rank is not None else None,
        lambda: tf.shape(params)[axis],
        f"{label(indices, 'indices')} = {{i0}} is not in [0, {{limit}})",
        facts,
    )


def segments(node: Any, facts: Facts) -> list[Finding]:
    """UnsortedSegmentSum and its kin, which leave out what has a negative number."""
    ids, count = node.inputs[1:3]
    known = facts.constant(count)
    return in_range(
        ids,
        None if known is None else int(known),
        lambda: count,
        f"{label(ids, 'segment_ids')} = {{i0}} is out of range [0, {{limit}})",
        facts,
        negative=False,
    )


def in_range(
    checked: Any,
    limit: int | None,
    open_limit: Any,
    message: str,
    facts: Facts,
    *,
    negative: bool = True,
) -> list[Finding]:
    """That all elements are at least 0 and less than a limit.

    Args:
        checked: Integers.
        limit: The limit, if it is known.
        open_limit: Makes a tensor of it, if it is not.
        message: With {i0} for the element, and {limit}.
        facts: What is known of the tensors.
        negative: Whether negative ones are bad, too.
    """
    if has_no_elements(checked):
        return []
    known = facts.interval(checked)
    if limit is not None and known.is_in(
        0 if negative else known.first, max(limit, 0) - 1
    ):
        return []
    tensor = tf.constant(limit, tf.int64) if limit is not None else open_limit()
    # Numbers of this type may be smaller than the limit.
    bound = tf.cast(tf.minimum(tf.cast(tensor, tf.int64), checked.dtype.max), tf.int64)
    if checked.dtype in _WIDE:
        bad = checked >= tf.cast(bound, checked.dtype)
    else:
        bad = tf.cast(checked, tf.int64) >= bound
    if negative and known.first < 0:
        bad = bad | (checked < 0)
    position = first(bad)
    values: tuple[Any, ...] = (at(checked, position),)
    if limit is None:
        message = message.replace("{limit}", place("i", 1))
        return [Finding(message, position, (*values, tensor), checked)]
    span = None
    if negative and checked.dtype in _WIDE and 0 <= limit <= checked.dtype.max:
        span = Span(checked, limit)
    message = message.replace("{limit}", str(limit))
    return [Finding(message, position, values, checked, span=span)]


def label(tensor: Any, name: str) -> str:
    """How TensorFlow names an element: with its coordinates, if it has any."""
    return name if tensor.shape.rank == 0 else f"{name}[{{@}}]"


def gather_nd(node: Any, facts: Facts) -> list[Finding]:
    """GatherNd: every last row of indices is a place in several dimensions."""
    params, indices = node.inputs
    if b"IGNORE" in _policy(node):
        return []
    return _places(
        indices,
        params.shape,
        lambda: tf.shape(params),
        "does not index into param shape {shape}, node name: "
        + literal(shown(node.name)),
        facts,
    )


def scatter_nd(node: Any, facts: Facts) -> list[Finding]:
    """ScatterNd: the same, in a shape that is an input."""
    indices, _, shape = node.inputs
    if b"IGNORE" in _policy(node):
        return []
    known = facts.constant(shape)
    if known is None and shape.shape[0] is None:
        return []  # XLA does not compile it.
    return _places(
        indices,
        tf.TensorShape([None] * shape.shape[0] if known is None else known.tolist()),
        lambda: shape,
        "does not index into shape {shape}",
        facts,
    )


def scatter_into(node: Any, facts: Facts) -> list[Finding]:
    """TensorScatterUpdate and its kin: the same, in a tensor."""
    if b"IGNORE" in _policy(node):
        return []
    return _places(
        node.inputs[1],
        node.inputs[0].shape,
        lambda: tf.shape(node.inputs[0]),
        "does not index into shape {shape}",
        facts,
    )


def _policy(node: Any) -> bytes:
    names = node.node_def.attr
    return names["bad_indices_policy"].s if "bad_indices_policy" in names else b""


def _places(
    indices: Any, shape: Any, open_shape: Any, what: str, facts: Facts
) -> list[Finding]:
    depth = indices.shape[-1]
    if has_no_elements(indices) or depth == 0:
        return []
    sizes = shape.as_list()[:depth]
    known = facts.interval(indices)
    if None not in sizes and known.is_in(0, min(sizes) - 1):
        return []
    limits = (
        tf.cast(open_shape()[:depth], tf.int64)
        if None in sizes
        else tf.constant(sizes, tf.int64)
    )
    wide = tf.cast(indices, tf.int64)
    position = first(tf.reduce_any((wide < 0) | (wide >= limits), -1))
    rows = tf.reshape(indices, [-1, depth])
    chosen = tf.gather(rows, tf.maximum(position, 0))
    values = [chosen[number] for number in range(min(depth, _MOST_SHOWN))]
    shown = ", ".join(place("i", number) for number in range(len(values)))
    shown += ", …" if depth > _MOST_SHOWN else ""
    text, more = _shape_text(shape.as_list(), open_shape, len(values))
    name = "indices" if indices.shape.rank == 1 else "indices[{@}]"
    message = f"{name} = [{shown}] " + what.replace("{shape}", text)
    return [Finding(message, position, (*values, *more), indices, without_last=1)]


def _shape_text(
    sizes: list[int | None], open_shape: Any, used: int
) -> tuple[str, list[Any]]:
    """A shape as TensorFlow writes it, and the sizes that are known later."""
    texts: list[str] = []
    values: list[Any] = []
    for number, size in enumerate(sizes):
        if size is not None:
            texts.append(str(size))
        elif used + len(values) < _MOST_SHOWN + 1:
            texts.append(place("i", used + len(values)))
            values.append(open_shape()[number])
        else:
            texts.append("?")
    return f"[{','.join(texts)}]", values


def labels(node: Any, facts: Facts) -> list[Finding]:
    """SparseSoftmaxCrossEntropyWithLogits: every label is a class."""
    logits, chosen = node.inputs
    return in_range(
        chosen,
        logits.shape[-1],
        lambda: tf.shape(logits)[-1],
        "Received a label value of {i0} which is outside the valid range of "
        "[0, {limit}).",
        facts,
    )


def sparse_to_dense(node: Any, facts: Facts) -> list[Finding]:
    """SparseToDense: indices are in the tensor, ascending and different."""
    indices, shape = node.inputs[:2]
    known = facts.constant(shape)
    if known is None or has_no_elements(indices):
        return []  # XLA compiles no open shape.
    depth = int(known.size)
    rows = tf.reshape(tf.cast(indices, tf.int64), [-1, depth])
    sizes = known.tolist()
    outside = tf.reduce_any((rows < 0) | (rows >= tf.constant(sizes, tf.int64)), -1)
    ordered = bool(node.get_attr("validate_indices"))
    if facts.interval(indices).is_in(0, min(sizes) - 1) and not ordered:
        return []
    text = f"[{','.join(map(str, sizes))}]"
    if not ordered:
        message = f"Indices are not valid (out of bounds).  Shape: {text}"
        return [Finding(message, first(outside), (), indices, _depth_of(indices))]
    strides = [1] * depth
    for number in reversed(range(depth - 1)):
        strides[number] = strides[number + 1] * int(sizes[number + 1])
    keys = tf.reduce_sum(rows * tf.constant(strides, tf.int64), -1)
    steps = tf.concat([tf.ones([1], tf.int64), keys[1:] - keys[:-1]], 0)
    position = first(outside | (steps <= 0))
    there = tf.gather(rows, tf.maximum(position, 0))
    is_outside, step = at(outside, position), at(steps, position)
    values = tuple(there[number] for number in range(min(depth, _MOST_SHOWN)))
    shown = ",".join(place("i", number) for number in range(len(values)))
    where = (
        f"indices[{{@}}] = [{shown}]" if indices.shape.rank else f"indices = {shown}"
    )
    kinds = [
        (is_outside, f"is out of bounds: need 0 <= index < {text}"),
        (
            ~is_outside & (step < 0),
            "is out of order. Many sparse ops require sorted indices.\n"
            "    Use `tf.sparse.reorder` to create a correctly ordered copy.",
        ),
        (~is_outside & tf.equal(step, 0), "is repeated"),
    ]
    return [
        Finding(
            f"{where} {what}",
            tf.where(of_kind, position, -1),
            values,
            indices,
            _depth_of(indices),
        )
        for of_kind, what in kinds
    ]


def _depth_of(indices: Any) -> int:
    return 1 if indices.shape.rank == 2 else 0


def permutation(node: Any, facts: Facts) -> list[Finding]:
    """InvertPermutation: each number is there once."""
    (numbers,) = node.inputs
    if has_no_elements(numbers):
        return []
    size = tf.size(numbers)
    wide = tf.cast(numbers, tf.int64)
    outside = (wide < 0) | (wide >= tf.cast(size, tf.int64))
    places = tf.range(size)
    inside = tf.where(outside, 0, tf.cast(wide, tf.int32))
    # What is outside counts for no number.
    earliest = tf.tensor_scatter_nd_min(
        tf.fill([size], 2**31 - 1),
        tf.expand_dims(inside, -1),
        tf.where(outside, 2**31 - 1, places),
    )
    again = ~outside & (tf.gather(earliest, inside) < places)
    position = first(outside | again)
    value, is_outside = at(numbers, position), at(outside, position)
    return [
        Finding(
            "{i0} is not between 0 and {i1}",
            tf.where(is_outside, position, -1),
            (value, size),
            numbers,
        ),
        Finding(
            "{i0} is duplicated in the input.",
            tf.where(is_outside, -1, position),
            (value,),
            numbers,
        ),
    ]


def is_known(interval: Interval, size: int | None) -> bool:
    """Whether all of an interval are places of a dimension of a known size."""
    return size is not None and interval.is_in(0, size - 1)


RULES = {
    "Gather": gather,
    "GatherV2": gather,
    "GatherNd": gather_nd,
    "ScatterNd": scatter_nd,
    **dict.fromkeys(
        (
            "TensorScatterAdd",
            "TensorScatterMax",
            "TensorScatterMin",
            "TensorScatterSub",
            "TensorScatterUpdate",
        ),
        scatter_into,
    ),
    **dict.fromkeys(
        (
            "UnsortedSegmentMax",
            "UnsortedSegmentMin",
            "UnsortedSegmentProd",
            "UnsortedSegmentSum",
        ),
        segments,
    ),
    "SparseSoftmaxCrossEntropyWithLogits": labels,
    "SparseToDense": sparse_to_dense,
    "InvertPermutation": permutation,
}
"""By op."""
