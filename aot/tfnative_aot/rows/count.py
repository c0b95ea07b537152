# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Looks for decisions that are made by the number of rows.

A size that grows with the number of rows shows in the programs for several numbers of
rows. What may hide there is a decision: ``n > 1000`` is the same for all numbers that
were looked at. TensorFlow's graph shows these: values that are computed of sizes and
constants alone, by an op that gives the same for several numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot import adapters
from tfnative_aot.load.source import BATCH
from tfnative_aot.rows.count_rounds import counters_of, is_round_left
from tfnative_aot.rows.count_state import (
    CONSTANT,
    COUNT,
    DATA,
    SPREAD,
    State,
    joined,
    of_shape,
)
from tfnative_aot.rows.count_structure import STRUCTURE, structured

if TYPE_CHECKING:
    from tfnative_aot.freeze.graph import FrozenGraph

# Ops that give something else for every number of rows: what they give shows.
_ONE_TO_ONE = frozenset(
    "Add AddN AddV2 Cast Cumsum Div Exp Inv Log Mul Neg Pow Prod RealDiv Reciprocal "
    "Rsqrt Sqrt Square Sub Sum Xdivy".split()
)
# Ops that make values of a size: the same values, however many.
_SPREAD = frozenset({"BroadcastTo", "Fill", "Reshape", "Tile"})
_ELEMENTWISE = frozenset(
    "Abs Add AddV2 Cast Div Exp Floor Identity LogicalNot Mul Neg RealDiv Relu Sigmoid "
    "Snapshot Sub Tanh".split()
)
# Ops whose result is made when the model runs.
_AT_RUN_TIME = frozenset(
    "EmptyTensorList TensorListFromTensor TensorListReserve TensorListSetItem "
    "TensorListStack Placeholder PlaceholderWithDefault".split()
)
_NUMBERS = frozenset({"Range", "LinSpace"})
_SIZES = frozenset({"Shape", "ShapeN"})
# Ops that tell sizes, and others whose result needs no element of their operand.
_TELL_SIZES = frozenset(
    "Size TensorArraySizeV3 TensorListElementShape TensorListLength "
    "VariableShape".split()
)
_FILL = frozenset({"OnesLike", "ZerosLike"})
_BRANCHES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})
_LOOPS = frozenset({"While", "StatelessWhile"})
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_MOST_ROUNDS = 20


class _DecisionError(Exception):
    """A node decides by the number of rows."""

    def __init__(self, node: str, op: str) -> None:
        super().__init__(node)
        self.node, self.op = node, op


def decision_by_count(graph: FrozenGraph) -> tuple[str, str] | None:
    """Name and op of a node that decides by the number of rows, if there is one.

    Raises:
        Exception: TensorFlow does not take the graph.
    """
    graph_def = type(graph.graph_def)()
    graph_def.CopyFrom(graph.graph_def)
    shapes = {t.tensor.partition(":")[0]: t.shape or () for t in graph.inputs}
    for node in graph_def.node:
        if node.name in shapes and node.op == "Placeholder":
            sizes = [None if s == BATCH else s for s in shapes[node.name]]
            node.attr["shape"].shape.CopyFrom(tf.TensorShape(sizes).as_proto())
    whole = tf.Graph()
    with whole.as_default():
        tf.graph_util.import_graph_def(graph_def, name="")
        try:
            _Walk(graph_def).walk(whole, {})
        except _DecisionError as decision:
            return decision.node, decision.op
    return None


class _Walk:
    def __init__(self, graph_def: Any) -> None:
        self._functions = {f.signature.name: f for f in graph_def.library.function}
        self._counters: frozenset[str] | None = None  # In a condition, its arguments.

    def walk(self, graph: Any, states: dict[str, State]) -> dict[str, State]:
        """States of all tensors of a graph, by name."""
        for op in graph.get_operations():
            known = [states.get(tensor.name, DATA) for tensor in op.inputs]
            found = self._op(op, known)
            for tensor, state in zip(op.outputs, found, strict=True):
                states.setdefault(tensor.name, state)
        return states

    def _op(self, op: Any, inputs: Sequence[State]) -> Sequence[State]:
        count = len(op.outputs)
        if op.type in _SIZES:
            return [of_shape(tensor.shape) for tensor in op.inputs]
        if op.type in _TELL_SIZES or op.type in _FILL:
            is_known = op.inputs[0].shape.is_fully_defined()
            unknown = SPREAD if op.type in _FILL else COUNT
            # The shape of a list is that of a scalar, whatever is in it.
            is_list = op.type.startswith(("TensorList", "TensorArray"))
            return [CONSTANT if is_known and not is_list else unknown]
        if op.type == "Rank":
            return [CONSTANT]
        if op.type in _BRANCHES:
            return self._branches(op, inputs)
        if op.type in _LOOPS:
            return self._loop(op, inputs)
        if op.type in _CALLS or op.type in self._functions:
            name = op.type if op.type in self._functions else op.get_attr("f").name
            return self._call(name, op.inputs, inputs)
        if op.type in _AT_RUN_TIME or any(state is DATA for state in inputs):
            return [DATA] * count
        return [self._of_sizes(op, inputs)] * count

    def _of_sizes(self, op: Any, inputs: Sequence[State]) -> State:
        """Of values that are computed of sizes and constants alone."""
        if all(state is CONSTANT for state in inputs):
            return CONSTANT
        if op.type in STRUCTURE:
            return structured(op, inputs)
        spread = [state for state in inputs if state is SPREAD]
        if op.type in _SPREAD and inputs[-1 if op.type == "Fill" else 0] in (
            CONSTANT,
            SPREAD,
        ):
            return SPREAD
        if spread and all(state in (CONSTANT, SPREAD) for state in inputs):
            return SPREAD if op.type in _ELEMENTWISE else COUNT
        if op.type in _ONE_TO_ONE or op.type in _SPREAD or op.type in _NUMBERS:
            return joined(inputs)
        if self._counters is not None and is_round_left(op, self._counters):
            return joined(inputs)
        raise _DecisionError(op.name, op.type)

    def _branches(self, op: Any, inputs: Sequence[State]) -> Sequence[State]:
        choice, *arguments = inputs
        if choice not in (DATA, CONSTANT):
            raise _DecisionError(op.name, op.type)
        if op.type in ("If", "StatelessIf"):
            names = [op.get_attr(f"{which}_branch").name for which in ("then", "else")]
        else:
            names = [function.name for function in op.get_attr("branches")]
        results = [self._call(name, op.inputs[1:], arguments) for name in names]
        return [joined(states) for states in zip(*results, strict=True)]

    def _loop(self, op: Any, inputs: Sequence[State]) -> Sequence[State]:
        states = list(inputs)
        for _ in range(_MOST_ROUNDS):
            results = self._call(op.get_attr("body").name, op.outputs, states)
            after = [joined(pair) for pair in zip(states, results, strict=True)]
            if after == states:
                break
            states = after
        # That a counter is less than a number of rows is left to XLA's programs: they
        # show whether there is a round for each row.
        condition = self._graph(op.get_attr("cond").name, op.outputs)
        body = self._graph(op.get_attr("body").name, op.outputs)
        around, self._counters = self._counters, counters_of(body, condition)
        (going,) = self._results(condition, states)
        is_known = going in (DATA, CONSTANT) or (going == COUNT and self._counters)
        self._counters = around
        if not is_known:
            raise _DecisionError(op.name, op.type)
        return states

    def _call(
        self, name: str, tensors: Sequence[Any], inputs: Sequence[State]
    ) -> Sequence[State]:
        return self._results(self._graph(name, tensors), inputs)

    def _graph(self, name: str, tensors: Sequence[Any]) -> Any:
        """A function's graph, for arguments of these shapes."""
        shapes = [tensor.shape for tensor in tensors]
        return adapters.tf().function_graph(self._functions[name], shapes)

    def _results(self, graph: Any, inputs: Sequence[State]) -> Sequence[State]:
        known = dict(zip((t.name for t in graph.inputs), inputs, strict=True))
        states = self.walk(graph, known)
        return [states[tensor.name] for tensor in graph.outputs]
