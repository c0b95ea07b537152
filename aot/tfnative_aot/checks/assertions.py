# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Assertions: conditions, and what to print where they do not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfnative_aot.checks.facts import Facts
from tfnative_aot.checks.finding import (
    MOST_VALUES,
    Finding,
    first,
    literal,
    only_if,
    place,
)
from tfnative_aot.checks.summary import UNKNOWN, constant_summary, summary

_PLAIN = frozenset({"Assert", "Const", "Identity", "NoOp", "Placeholder"})


@dataclass(frozen=True)
class Assertion:
    """An Assert, in the graph where it is checked.

    Attributes:
        failed: A bool scalar.
        held: The condition that is to hold.
        data: What is printed: tensors, and constants as arrays.
        most: How many elements of each are printed; negative: all.
    """

    failed: Any
    held: Any
    data: tuple[Any, ...]
    most: int


def assertion(node: Any, facts: Facts) -> list[Finding]:
    """Assert: the condition holds."""
    condition, *data = node.inputs
    if facts.interval(condition).first == 1:
        return []
    known = [facts.constant(tensor) for tensor in data]
    printed = tuple(
        t if value is None else value for t, value in zip(data, known, strict=True)
    )
    most = int(node.get_attr("summarize"))
    failed = tf.logical_not(condition)
    return findings(Assertion(failed, condition, printed, most), facts)


def guarded(
    node: Any, branches: Sequence[tuple[Any, bool]], facts: Facts
) -> list[Finding] | None:
    """The assertions of an If that has nothing else in it, as its caller's own.

    tf.debugging.Assert makes such an If, to print only where it fails.

    Args:
        node: The If.
        branches: Graphs of its branches, with what the condition is there.
        facts: What is known of the graph that it is in.

    Returns:
        None if there is anything else in it.
    """
    found: list[Finding] = []
    chosen = node.inputs[0]
    for graph, is_then in branches:
        operations = graph.get_operations()
        if any(op.type not in _PLAIN for op in operations):
            return None
        outer = {
            argument.op.name: tensor
            for argument, tensor in zip(graph.inputs, node.inputs[1:], strict=True)
        }
        for op in operations:
            if op.type == "Assert":
                found += _guarded(op, chosen, is_then, outer, facts)
    return found


def _guarded(
    op: Any, chosen: Any, is_then: bool, outer: Mapping[str, Any], facts: Facts
) -> list[Finding]:
    condition = _outside(op.inputs[0], outer, facts)
    taken = chosen if is_then else tf.logical_not(chosen)
    if isinstance(condition, np.ndarray):
        if condition:
            return []
        failed, held = taken, tf.logical_not(taken)
    elif condition.name == chosen.name:
        if is_then:
            return []
        failed, held = taken, chosen
    else:
        failed = taken & tf.logical_not(condition)
        held = condition
    if not facts.interval(failed).has(1) or facts.interval(held).first == 1:
        return []
    data = tuple(_outside(tensor, outer, facts) for tensor in op.inputs[1:])
    most = int(op.get_attr("summarize"))
    return findings(Assertion(failed, held, data, most), facts)


def _outside(tensor: Any, outer: Mapping[str, Any], facts: Facts) -> Any:
    """A branch's tensor as the caller's, or as an array if it is a constant."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    if tensor.op.name not in outer:
        return tf.make_ndarray(tensor.op.get_attr("value"))
    there = outer[tensor.op.name]
    value = facts.constant(there)
    return there if value is None else np.asarray(value)


def findings(of: Assertion, facts: Facts) -> list[Finding]:
    """An assertion as findings: one for each form that the message has."""
    mask = _element_wise(of.held)
    if mask is None:
        position = tf.where(of.failed, 0, -1)
    else:
        position = only_if(of.failed, tf.maximum(first(tf.logical_not(mask)), 0))
    joint = _looks_at_several_rows(of.held, mask, facts)
    printed = [_Printed.of(each, of.most, facts) for each in of.data]
    values = _share(printed)
    return [
        Finding(
            message,
            position if condition is None else only_if(condition, position),
            values,
            mask,
            joint=joint,
        )
        for condition, message in _forms(printed)
    ]


def _looks_at_several_rows(held: Any, mask: Any, facts: Facts) -> bool:
    """Whether a condition is not one of each row by itself.

    That sizes are the same, as they are for any number of rows, is not.
    """
    sizes = () if mask is None else facts.sizes(mask) or ()
    if any(size < 0 for size in sizes):
        return False
    compared = (held if mask is None else mask).op
    while compared.type in ("Identity", "All"):
        compared = compared.inputs[0].op
    return facts.follows_rows(held, sizes=compared.type != "Equal")


def _element_wise(condition: Any) -> Any | None:
    """What a condition says of each of several elements that are all to be true."""
    op = condition.op
    while op.type == "Identity":
        op = op.inputs[0].op
    if op.type != "All" or op.get_attr("keep_dims") or op.outputs[0].shape.rank != 0:
        return None
    mask = op.inputs[0]
    return mask if mask.shape.rank else None


@dataclass
class _Printed:
    """One tensor of a message.

    Attributes:
        constant: Its value, or None.
        tensor: It, if it has none.
        shape: Its sizes, -k for k times the batch size; None if they are not known.
        limit: How many elements are printed at most.
        places: For those elements that are values of the message.
    """

    constant: NDArray[Any] | None
    tensor: Any
    shape: tuple[int, ...] | None
    limit: int
    places: list[str]

    @classmethod
    def of(cls, data: Any, most: int, facts: Facts) -> _Printed:
        limit = most if most >= 0 else 2**31
        if isinstance(data, np.ndarray | np.generic):  # Of no dimensions, the latter.
            return cls(np.asarray(data), None, data.shape, limit, [])
        printable = (
            data.dtype.is_floating or data.dtype.is_integer or data.dtype.is_bool
        )
        return cls(None, data, facts.sizes(data) if printable else None, limit, [])

    def sizes(self, batch: int) -> list[int]:
        return [size if size >= 0 else -size * batch for size in self.shape or ()]

    def text(self, batch: int) -> str:
        if self.constant is not None:
            return literal(constant_summary(self.constant, self.limit))
        if self.shape is None:
            return UNKNOWN
        return summary(self.sizes(batch), self.limit, self.places)


def _share(printed: Sequence[_Printed]) -> tuple[Any, ...]:
    """Gives each tensor as many values as are left; returns them all."""
    values: list[Any] = []
    for each in printed:
        if each.constant is not None or each.shape is None:
            continue
        # No batch is so large that fewer than all elements are printed of it.
        count = int(np.prod(each.sizes(2**31), dtype=object)) if each.shape else 1
        each.limit = min(each.limit, MOST_VALUES - len(values))
        flat = tf.reshape(each.tensor, [-1])
        kind = "f" if each.tensor.dtype.is_floating else "i"
        for number in range(min(each.limit, count)):
            each.places.append(place(kind, len(values)))
            values.append(tf.gather(flat, tf.minimum(number, tf.size(flat) - 1)))
    return tuple(values)


def _forms(printed: Sequence[_Printed]) -> Iterator[tuple[Any, str]]:
    """Messages, each with the condition on the batch size that it is for, or None."""

    def message(batch: int) -> str:
        texts = "".join(f" [{each.text(batch)}]" for each in printed)
        return f"assertion failed:{texts}"

    with_rows = [p for p in printed if any(size < 0 for size in p.shape or ())]
    if not with_rows:
        yield None, message(1)
        return
    most = max(each.limit for each in with_rows)
    shape = with_rows[0].shape or ()
    (dimension, *_) = [d for d, size in enumerate(shape) if size < 0]
    batch = tf.shape(with_rows[0].tensor)[dimension] // -shape[dimension]
    texts = [message(rows) for rows in range(1, most + 2)]
    begin = 0
    for end in range(1, most + 2):
        if end <= most and texts[end] == texts[begin]:
            continue
        here = tf.constant(True)
        if begin > 0:
            here &= batch > begin
        if end <= most:
            here &= batch <= end
        yield here, texts[begin]
        begin = end
