# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checks in loops: they carry the words of the first round in which one failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfnative_aot.checks import functions
from tfnative_aot.checks.branches import add_shape, add_type
from tfnative_aot.checks.library import Body, Call, Library, Look
from tfnative_aot.checks.loops import Ends, Loop
from tfnative_aot.checks.scope import (
    Scope,
    Words,
    joined,
    nothing_failed,
    positions,
    word_count,
)


def loop(op: Any, scope: Scope, library: Library, look: Look) -> list[Words]:
    """The words of what is checked in a loop, in its condition as well."""
    # What is carried has the same shape in all rounds.
    shapes = [tensor.shape for tensor in op.inputs]
    names = {which: op.get_attr(which).name for which in ("cond", "body")}
    graphs = {which: library.graph(name, shapes) for which, name in names.items()}
    carried = library.live.carried(scope.written[op.name], scope.asked[op.name])
    results = {"cond": frozenset({0}), "body": carried}
    bodies = {}
    for which, name in names.items():
        facts = Loop(
            {argument.op.name: n for n, argument in enumerate(graphs[which].inputs)},
            Ends.of(graphs["body"]),
            Ends.of(graphs["cond"]),
            tuple(op.inputs),
            is_body=which == "body",
        )
        call = Call(name, op.inputs, scope, graphs[which], results[which], facts)
        bodies[which] = look(call)
    condition, body = bodies["cond"], bodies["body"]
    if condition.words is None and body.words is None:
        return []
    asked, last = _Question.none(), []
    if condition.words is not None:
        asked = _Question.of(condition, condition.words, library)
        # The answer that ends the loop is one that no body looks at.
        last = asked.words(op.outputs)
    return [_carry(op, scope, condition, body, asked, library), *last]


class _Question:
    """A function that gives the words of a loop's condition alone."""

    def __init__(self, name: str, checks: tuple[Any, ...]) -> None:
        self._name, self._checks = name, checks

    @classmethod
    def none(cls) -> _Question:
        return cls("", ())

    @classmethod
    def of(cls, condition: Body, words: Words, library: Library) -> _Question:
        name = library.new_name(condition.function.signature.name)
        function = functions.words_alone(
            condition.function, condition.scope, words.tensor, name
        )
        return cls(library.add(function, condition.scope), words.checks)

    def words(self, arguments: Sequence[Any]) -> list[Words]:
        """What it says of what is carried, if there is anything to say."""
        if not self._checks:
            return []
        (tensor,) = tf.raw_ops.PartitionedCall(
            args=list(arguments), Tout=[tf.int64], f=self._name
        )
        tensor.set_shape([word_count(self._checks)])
        return [Words(tensor, self._checks)]


def _carry(
    op: Any,
    scope: Scope,
    condition: Body,
    body: Body,
    asked: _Question,
    library: Library,
) -> Words:
    """Lets a loop carry words; returns those that it ends with."""
    inner = body.scope
    with inner.graph.as_default(), inner.graph.name_scope("tfnative_words/"):
        parts = asked.words(inner.graph.inputs)
        now = joined([*parts, body.words] if body.words else parts)
        assert now is not None
        checks = now.checks
        before = inner.placeholder(word_count(checks), functions.WORDS)
        failed = tf.reduce_any(tf.gather(before, positions(checks)) >= 0)
        after = tf.where(failed, before, now.tensor)
    name = library.new_name(body.function.signature.name)
    function = functions.with_words(body.function, inner, after, name, takes=True)
    new_body = library.add(function, inner)
    name = library.new_name(condition.function.signature.name)
    taking = functions.taking_words(condition.function, name)
    begin = nothing_failed(checks)
    node = scope.change(op.name)
    data = [name for name in node.input if not name.startswith("^")]
    controls = [name for name in node.input if name.startswith("^")]
    del node.input[:]
    node.input.extend([*data, scope.reference(begin), *controls])
    node.attr["body"].func.name = new_body
    node.attr["cond"].func.name = library.add(taking, None)
    add_type(node, "T")
    add_shape(node)
    tensor = scope.stand_in(word_count(checks), op.name, "output", len(op.outputs))
    return Words(tensor, checks)
