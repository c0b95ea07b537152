# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What stays the same in a loop, and how far its counters go."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfnative_aot.checks.interval import Interval, Known

_ADD = ("Add", "AddV2")


@dataclass(frozen=True)
class Ends:
    """Arguments and results of a function's graph."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]

    @classmethod
    def of(cls, graph: Any) -> Ends:
        """As they are now, before anything is added."""
        return cls(tuple(graph.inputs), tuple(graph.outputs))


@dataclass(frozen=True)
class Loop:
    """A While.

    Attributes:
        arguments: Places of what is carried, by the names of arguments of the graph
            that is asked about, be it the body's or the condition's.
        body: What the body takes and gives.
        condition: What the condition does.
        outer: What is carried at first, in the graph that has the loop.
        is_body: Whether the body is asked about. In the condition, counters have gone
            one step further.
    """

    arguments: Mapping[str, int]
    body: Ends
    condition: Ends
    outer: tuple[Any, ...]
    is_body: bool

    def keeps(self, name: str, through: Collection[str]) -> bool:
        """Whether the body gives an argument back, through some ops at most."""
        return self._keeps(self.arguments[name], through)

    def limit(self, name: str) -> Any | None:
        """What a counter stays below in the body: a number or a tensor outside.

        None if the argument is no counter that only grows, or has no limit.
        """
        place = self.arguments[name]
        if not self.is_body or not self._grows(place):
            return None
        for less in _conjuncts(self.condition.outputs[0].op):
            left, right = (_source(tensor) for tensor in less.inputs)
            if not _same(left, self.condition.inputs[place]):
                continue
            if right.op.type == "Const":
                return int(_value(right))
            for other, argument in enumerate(self.condition.inputs):
                if _same(argument, right) and self._keeps(other, {"Identity"}):
                    return self.outer[other]
        return None

    def _keeps(self, place: int, through: Collection[str]) -> bool:
        tensor = self.body.outputs[place]
        while tensor.op.type in through:
            tensor = tensor.op.inputs[0]
        return _same(tensor, self.body.inputs[place])

    def _grows(self, place: int) -> bool:
        return _is_sum(_source(self.body.outputs[place]), self.body.inputs[place])


def old_loop_interval(switch: Any, facts: Known) -> Interval | None:
    """Bounds of a counter in the body of a loop of TensorFlow 1's."""
    merge, condition = switch.inputs[0].op, switch.inputs[1].op
    if merge.type != "Merge" or condition.type != "LoopCond":
        return None
    enter, following = (tensor.op for tensor in merge.inputs)
    if enter.type != "Enter" or following.type != "NextIteration":
        return None
    if not _is_sum(_source(following.inputs[0]), switch.outputs[1]):
        return None
    for less in _conjuncts(condition.inputs[0].op):
        if _same(less.inputs[0], merge.outputs[0]):
            begin, end = facts.intervals([enter.inputs[0], less.inputs[1]])
            return Interval(begin.first, max(end.last - 1, begin.last))
    return None


def _is_sum(tensor: Any, counter: Any) -> bool:
    """Whether a tensor is a counter and at most 1, so that it never wraps around."""
    if tensor.op.type not in _ADD:
        return False
    for one, other in (tensor.op.inputs, tuple(tensor.op.inputs)[::-1]):
        if _same(_source(one), counter) and _source(other).op.type == "Const":
            return int(_value(_source(other))) in (0, 1)
    return False


def _conjuncts(op: Any) -> Iterator[Any]:
    """The comparisons that all hold where a condition does."""
    if op.type == "Identity":
        yield from _conjuncts(op.inputs[0].op)
    elif op.type == "LogicalAnd":
        for tensor in op.inputs:
            yield from _conjuncts(tensor.op)
    elif op.type == "Less":
        yield op


def _source(tensor: Any) -> Any:
    while tensor.op.type in ("Identity", "Squeeze"):
        tensor = tensor.op.inputs[0]
    return tensor


def _same(a: Any, b: Any) -> bool:
    """Whether two tensors of one graph are the same one."""
    return bool(a.name == b.name)


def _value(tensor: Any) -> Any:
    return tf.make_ndarray(tensor.op.get_attr("value"))
