# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A graph that checks are added to: the whole, or the body of a function."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef

from tfnative_aot.checks.facts import Facts
from tfnative_aot.checks.finding import Span
from tfnative_aot.checks.live import Results
from tfnative_aot.freeze.graph import Check

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef

_STALE = ("_lower_using_switch_merge", "_num_original_outputs")


@dataclass(frozen=True)
class Words:
    """What some checks say, in their order.

    Attributes:
        tensor: An int64 vector, as FrozenGraph.check_tensor.
        checks: The checks.
        span: What is checked, if it is one check of indices, or None.
    """

    tensor: Any
    checks: tuple[Check, ...]
    span: Span | None = None


@dataclass
class Scope:
    """A graph, and what becomes of it.

    Nodes are added to the graph itself. Those that it has are changed in ``changed``;
    for what a changed node gives beside what it gave, placeholders stand.

    Attributes:
        graph: The graph.
        written: The nodes that it had, by name.
        asked: Those of them that run, with the results that are needed.
        facts: What is known of it.
        is_function: Whether its nodes are written as in functions.
        changed: Nodes to put in the place of those of their names.
        stands_for: What placeholders stand for, by their names.
    """

    graph: Any
    written: Mapping[str, NodeDef]
    asked: Mapping[str, Results]
    facts: Facts
    is_function: bool
    changed: dict[str, NodeDef] = field(default_factory=dict)
    stands_for: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._original = {op.name for op in self.graph.get_operations()}

    def change(self, name: str) -> NodeDef:
        """A copy of one of its nodes, which takes the node's place."""
        if name not in self.changed:
            self.changed[name] = NodeDef()
            self.changed[name].CopyFrom(self.written[name])
        return self.changed[name]

    def stand_in(self, size: int, node: str, output: str, index: int) -> Any:
        """A tensor of words that a changed node gives.

        Args:
            size: How many words.
            node: Name of the node.
            output: What the op calls its outputs.
            index: Which of them.
        """
        nested = f"{node}:{output}:{index}"
        return self.placeholder(size, nested if self.is_function else f"{node}:{index}")

    def placeholder(self, size: int, stands_for: str) -> Any:
        """A tensor of words that is written otherwise."""
        with self.graph.name_scope("tfnative_words/"):
            tensor = tf.raw_ops.Placeholder(dtype=tf.int64, shape=[size])
        self.stands_for[tensor.op.name] = stands_for
        return tensor

    def reference(self, tensor: Any) -> str:
        """How a tensor is written where it is read."""
        op = tensor.op
        if op.name in self.stands_for:
            return self.stands_for[op.name]
        if not self.is_function:
            return str(tensor.name)
        if op.name in {argument.op.name for argument in self.graph.inputs}:
            return str(op.name)
        return f"{op.name}:{_place(op, tensor.value_index)}"

    def new_nodes(self) -> Iterator[NodeDef]:
        """The nodes that were added, as they are written."""
        for op in self.graph.get_operations():
            if op.name in self._original or op.name in self.stands_for:
                continue
            node = NodeDef()
            node.CopyFrom(op.node_def)
            del node.input[:]
            node.input.extend(self.reference(tensor) for tensor in op.inputs)
            node.input.extend(f"^{control.name}" for control in op.control_inputs)
            for name in [n for n, v in node.attr.items() if not v.ByteSize()]:
                del node.attr[name]
            for name in _STALE:
                node.attr.pop(name, None)
            yield node

    def new_functions(self, known: Collection[str]) -> Iterator[FunctionDef]:
        """Functions that the added nodes call."""
        for function in self.graph.as_graph_def().library.function:
            if function.signature.name not in known:
                yield function


def joined(parts: Sequence[Words]) -> Words | None:
    """All words in one tensor, or None if there are none."""
    if not parts:
        return None
    checks = tuple(check for part in parts for check in part.checks)
    if len(parts) == 1:
        return Words(parts[0].tensor, checks)
    return Words(tf.concat([part.tensor for part in parts], 0), checks)


def word_count(checks: Sequence[Check]) -> int:
    """How many words some checks have."""
    return sum(1 + check.value_count for check in checks)


def positions(checks: Sequence[Check]) -> list[int]:
    """Where among the words of some checks their positions are."""
    found, at = [], 0
    for check in checks:
        found.append(at)
        at += 1 + check.value_count
    return found


def nothing_failed(checks: Sequence[Check]) -> Any:
    """The words of checks that did not fail."""
    words: list[int] = []
    for check in checks:
        words += [-1, *[0] * check.value_count]
    return tf.constant(words, tf.int64)


def _place(op: Any, index: int) -> str:
    """An output as functions write it: the name of the op's output, and a number."""
    begin = 0
    for argument in op.op_def.output_arg:
        count = 1
        if argument.number_attr:
            count = op.get_attr(argument.number_attr)
        elif argument.type_list_attr:
            count = len(op.get_attr(argument.type_list_attr))
        if index < begin + count:
            return f"{argument.name}:{index - begin}"
        begin += count
    raise IndexError(f"{op.name} has no output {index}")
