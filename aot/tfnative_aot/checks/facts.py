# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of the tensors of a graph before it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from numpy.typing import NDArray

from tfnative_aot import adapters
from tfnative_aot.checks.interval import Interval, everything, of_values
from tfnative_aot.checks.interval_rules import RULES
from tfnative_aot.checks.loops import Loop, old_loop_interval
from tfnative_aot.checks.probes import Probes

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

# How far back to look. What is longer is not taken for known.
_MOST_STEPS = 200
_SIZES = frozenset({"Shape", "ShapeN", "Size", "Rank"})
_SAME_LENGTH = frozenset({"Identity", "TensorListSetItem"})


@dataclass(frozen=True)
class Caller:
    """Where a function is called from.

    Attributes:
        facts: Of the graph that calls.
        tensors: What the function's arguments are there, by their names; before the
            first round, if it is the body of a loop.
        loop: The loop whose body or condition it is, or None.
    """

    facts: Facts
    tensors: Mapping[str, Any]
    loop: Loop | None = None


class Facts:
    """Ranges, constants and lengths of the tensors of one graph."""

    def __init__(
        self,
        constants: Mapping[str, NodeDef],
        probes: Probes,
        caller: Caller | None = None,
    ) -> None:
        """What is known of a graph.

        Args:
            constants: The graph's constants that Placeholders stand for, by name.
            probes: What the sizes of its tensors follow from.
            caller: For the graph of a function.
        """
        self.probes = probes
        self._constants = constants
        self._caller = caller
        self._known: dict[str, Interval] = {}
        self._steps = 0

    def interval(self, tensor: Any) -> Interval:
        """Bounds of a tensor's elements; of its type, if no others are known."""
        if not (tensor.dtype.is_integer or tensor.dtype.is_bool):
            return everything(tensor.dtype)
        if tensor.name not in self._known:
            if self._steps >= _MOST_STEPS:
                return everything(tensor.dtype)
            self._steps += 1
            found = self._find(tensor)
            self._steps -= 1
            self._known[tensor.name] = found.within(everything(tensor.dtype))
        return self._known[tensor.name]

    def constant(self, tensor: Any) -> NDArray[Any] | None:
        """A tensor's value, if it does not depend on what is fed."""
        op = tensor.op
        value: NDArray[Any] | None
        if op.type == "Const":
            value = tf.make_ndarray(op.get_attr("value"))
        elif op.name in self._constants:
            value = tf.make_ndarray(self._constants[op.name].attr["value"].tensor)
        else:
            value = self._inferred(tensor)
        return value

    def _inferred(self, tensor: Any) -> Any:
        if tensor.dtype in (tf.variant, tf.resource):
            return None
        outer = self._outer(tensor)
        if outer is not None:
            return outer.facts.constant(outer.tensors[tensor.op.name])
        return adapters.tf().inferred_value(tensor)

    def sizes(self, tensor: Any) -> tuple[int, ...] | None:
        """A tensor's sizes, -k for k times the batch size; None if they are others."""
        return self.probes.sizes(tensor)

    def follows_rows(self, tensor: Any, *, sizes: bool) -> bool:
        """Whether a tensor is computed of inputs that have a row for each of a batch.

        Args:
            tensor: The tensor.
            sizes: Whether what follows from their number alone counts, too.
        """
        waiting, seen = [tensor], set()
        while waiting:
            op = waiting.pop().op
            if op.name in seen or op.name in self._constants:
                continue
            seen.add(op.name)
            if self._caller is not None and op.name in self._caller.tensors:
                outer, there = self._caller.facts, self._caller.tensors[op.name]
                if outer.follows_rows(there, sizes=sizes):
                    return True
            elif op.type == "Placeholder" and None in op.outputs[0].shape.as_list():
                return True
            elif sizes or op.type not in _SIZES:
                waiting += op.inputs
        return False

    def list_length(self, handle: Any) -> int | None:
        """How many elements a TensorList has, if that is fixed and known."""
        op = handle.op
        while op.type in _SAME_LENGTH:
            op = op.inputs[0].op
        if op.type == "TensorListFromTensor":
            shape = op.inputs[0].shape
            return None if shape.rank is None else shape[0]
        if op.type == "TensorListReserve":
            count = self.constant(op.inputs[1])
            return None if count is None else int(count)
        if self._caller is None or op.name not in self._caller.tensors:
            return None
        loop = self._caller.loop
        if loop is not None and not loop.keeps(op.name, _SAME_LENGTH):
            return None
        return self._caller.facts.list_length(self._caller.tensors[op.name])

    def _outer(self, tensor: Any) -> Caller | None:
        """The caller, if a tensor is an argument that a loop does not change."""
        caller, name = self._caller, tensor.op.name
        if caller is None or name not in caller.tensors:
            return None
        if caller.loop is not None and not caller.loop.keeps(name, {"Identity"}):
            return None
        return caller

    def _find(self, tensor: Any) -> Interval:
        op = tensor.op
        if op.type == "Const" or op.name in self._constants:
            value = self.constant(tensor)
            assert value is not None
            return of_values(value)
        outer = self._outer(tensor)
        if outer is not None:
            return outer.facts.interval(outer.tensors[op.name])
        if self._caller is not None and op.name in self._caller.tensors:
            return self._counter(tensor, self._caller)
        if op.type == "Switch":
            return old_loop_interval(op, self) or self.interval(op.inputs[0])
        rule = RULES.get(op.type)
        return rule(self, op, tensor) if rule else everything(tensor.dtype)

    def _counter(self, tensor: Any, caller: Caller) -> Interval:
        loop, name = caller.loop, tensor.op.name
        assert loop is not None
        limit = loop.limit(name)
        if limit is None:
            return everything(tensor.dtype)
        begin = caller.facts.interval(caller.tensors[name])
        if isinstance(limit, int):
            last = limit
        else:
            last = int(caller.facts.interval(limit).last)
        return Interval(begin.first, max(last - 1, begin.last))

    def intervals(self, tensors: Sequence[Any]) -> list[Interval]:
        """Bounds of several tensors."""
        return [self.interval(tensor) for tensor in tensors]
