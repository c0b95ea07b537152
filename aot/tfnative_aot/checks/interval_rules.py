# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Bounds of what ops give, by the bounds of what they are given.

A rule that is missing only costs a check that always holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfnative_aot.checks.interval import Interval, Known, everything, of_values, union

Rule = Callable[[Known, Any, Any], Interval]

# Ops that give elements of their first input.
_SAME = (
    "Identity Snapshot StopGradient PreventGradient EnsureShape Reshape ExpandDims "
    "Squeeze Transpose Tile BroadcastTo Slice Gather GatherV2 Reverse "
    "ReverseV2 ReverseSequence Roll Unpack SplitV Max Min Enter Exit NextIteration "
    "RefIdentity DepthToSpace SpaceToDepth Diag"
).split()
# Ops whose elements are of one of their inputs, from the given one on.
_UNION = {"Pack": 0, "Merge": 0, "Select": 1, "SelectV2": 1, "DynamicStitch": 0}
_ZERO_BESIDE = ("Pad", "MatrixDiag", "MatrixBandPart", "GatherNd")
_TRUTHS = (
    "Equal NotEqual Less LessEqual Greater GreaterEqual LogicalAnd LogicalOr "
    "LogicalNot All Any IsNan IsInf IsFinite ApproximateEqual InTopKV2"
).split()


def _same(facts: Known, op: Any, tensor: Any) -> Interval:
    return facts.interval(op.inputs[0])


def _slice(facts: Known, op: Any, tensor: Any) -> Interval:
    """A part of something, or one size of a shape of which others are open."""
    value = facts.constant(tensor)
    return facts.interval(op.inputs[0]) if value is None else of_values(value)


def _second(facts: Known, op: Any, tensor: Any) -> Interval:
    return facts.interval(op.inputs[1])


def _union_from(start: int) -> Rule:
    def rule(facts: Known, op: Any, tensor: Any) -> Interval:
        return union(facts.intervals(list(op.inputs)[start:]))

    return rule


def _concat(facts: Known, op: Any, tensor: Any) -> Interval:
    return union(facts.intervals(list(op.inputs)[:-1]))


def _zero_beside(facts: Known, op: Any, tensor: Any) -> Interval:
    return union([facts.interval(op.inputs[0]), Interval(0, 0)])


def _pad_value(facts: Known, op: Any, tensor: Any) -> Interval:
    return union(facts.intervals([op.inputs[0], op.inputs[2]]))


def _one_hot(facts: Known, op: Any, tensor: Any) -> Interval:
    return union(facts.intervals([op.inputs[2], op.inputs[3]]))


def _place(facts: Known, op: Any, tensor: Any) -> Interval:
    """Of the place of the largest element in a dimension."""
    axis, shape = facts.constant(op.inputs[1]), op.inputs[0].shape
    if axis is None or shape.rank is None or shape[int(axis)] is None:
        return Interval(0, int(tensor.dtype.max))
    return Interval(0, max(shape[int(axis)] - 1, 0))


def _top_places(facts: Known, op: Any, tensor: Any) -> Interval:
    if tensor.value_index == 0:
        return facts.interval(op.inputs[0])
    shape = op.inputs[0].shape
    size = None if shape.rank is None else shape[-1]
    return Interval(0, int(tensor.dtype.max) if size is None else max(size - 1, 0))


def _range(facts: Known, op: Any, tensor: Any) -> Interval:
    begin, end, step = facts.intervals(op.inputs)
    if step.first > 0:
        return Interval(begin.first, max(end.last - 1, begin.first))
    if step.last < 0:
        return Interval(min(end.first + 1, begin.last), begin.last)
    return everything(tensor.dtype)


def _size(facts: Known, op: Any, tensor: Any) -> Interval:
    value = facts.constant(tensor)
    if value is None or value.size == 0:
        return Interval(0, int(tensor.dtype.max))
    return of_values(value)


def _cast(facts: Known, op: Any, tensor: Any) -> Interval:
    source = op.inputs[0]
    if not (source.dtype.is_integer or source.dtype.is_bool):
        value = facts.constant(tensor)
        return everything(tensor.dtype) if value is None else of_values(value)
    found = facts.interval(source)
    if tensor.dtype.is_bool:
        return Interval(0, 1)
    return found


def _minimum(facts: Known, op: Any, tensor: Any) -> Interval:
    a, b = facts.intervals(op.inputs)
    return Interval(min(a.first, b.first), min(a.last, b.last))


def _maximum(facts: Known, op: Any, tensor: Any) -> Interval:
    a, b = facts.intervals(op.inputs)
    return Interval(max(a.first, b.first), max(a.last, b.last))


def _clip(facts: Known, op: Any, tensor: Any) -> Interval:
    value, low, high = facts.intervals(op.inputs)
    # As TensorFlow does it: first the lower bound where it is not beyond the upper one.
    first = max(min(value.first, high.first), low.first)
    last = max(min(value.last, high.last), low.last)
    return Interval(first, last)


def _floor_mod(facts: Known, op: Any, tensor: Any) -> Interval:
    value, divisor = facts.intervals(op.inputs)
    if divisor.first <= 0:
        return everything(tensor.dtype)
    if value.first >= 0:
        return Interval(0, min(value.last, divisor.last - 1))
    return Interval(0, divisor.last - 1)


def _truncate_mod(facts: Known, op: Any, tensor: Any) -> Interval:
    value, divisor = facts.intervals(op.inputs)
    if divisor.first <= 0:
        return everything(tensor.dtype)
    most = divisor.last - 1
    return Interval(
        0 if value.first >= 0 else max(value.first, -most),
        0 if value.last <= 0 else min(value.last, most),
    )


def _corners(function: Callable[[int, int], int]) -> Rule:
    def rule(facts: Known, op: Any, tensor: Any) -> Interval:
        a, b = facts.intervals(op.inputs)
        found = [function(x, y) for x in (a.first, a.last) for y in (b.first, b.last)]
        return Interval(min(found), max(found))

    return rule


def _floor_div(facts: Known, op: Any, tensor: Any) -> Interval:
    a, b = facts.intervals(op.inputs)
    if b.first <= 0:
        return everything(tensor.dtype)
    found = [x // y for x in (a.first, a.last) for y in (b.first, b.last)]
    return Interval(min(*found, 0), max(*found, 0))


def _neg(facts: Known, op: Any, tensor: Any) -> Interval:
    found = facts.interval(op.inputs[0])
    return Interval(-found.last, -found.first)


def _abs(facts: Known, op: Any, tensor: Any) -> Interval:
    found = facts.interval(op.inputs[0])
    if found.first >= 0:
        return found
    least = 0 if found.last >= 0 else -found.last
    return Interval(least, max(-found.first, found.last))


def _and(facts: Known, op: Any, tensor: Any) -> Interval:
    lasts = [each.last for each in facts.intervals(op.inputs) if each.first >= 0]
    return Interval(0, min(lasts)) if lasts else everything(tensor.dtype)


def _truth(facts: Known, op: Any, tensor: Any) -> Interval:
    return Interval(0, 1)


def _fixed(first: int, last: int) -> Rule:
    return lambda facts, op, tensor: Interval(first, last)


def _bucket(facts: Known, op: Any, tensor: Any) -> Interval:
    return Interval(0, len(op.get_attr("boundaries")))


def _permutation(facts: Known, op: Any, tensor: Any) -> Interval:
    return Interval(0, max((op.inputs[0].shape.num_elements() or 2**31) - 1, 0))


RULES: dict[str, Rule] = {
    **dict.fromkeys(_SAME, _same),
    **{op: _union_from(start) for op, start in _UNION.items()},
    **dict.fromkeys(_ZERO_BESIDE, _zero_beside),
    **dict.fromkeys(_TRUTHS, _truth),
    "ConcatV2": _concat,
    "Split": _second,
    "Fill": _second,
    "PadV2": _pad_value,
    "OneHot": _one_hot,
    "ArgMax": _place,
    "ArgMin": _place,
    "TopKV2": _top_places,
    "Range": _range,
    "StridedSlice": _slice,
    "Shape": _size,
    "ShapeN": _size,
    "Size": _size,
    "Rank": _size,
    "Cast": _cast,
    "Minimum": _minimum,
    "Maximum": _maximum,
    "ClipByValue": _clip,
    "FloorMod": _floor_mod,
    "TruncateMod": _truncate_mod,
    "Mod": _truncate_mod,
    "FloorDiv": _floor_div,
    "Add": _corners(lambda x, y: x + y),
    "AddV2": _corners(lambda x, y: x + y),
    "Sub": _corners(lambda x, y: x - y),
    "Mul": _corners(lambda x, y: x * y),
    "Neg": _neg,
    "Abs": _abs,
    "BitwiseAnd": _and,
    "Bucketize": _bucket,
    "InvertPermutation": _permutation,
    "ZerosLike": _fixed(0, 0),
    "OnesLike": _fixed(1, 1),
}
"""By op."""
