# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The functions of a graph, and those that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfnative_aot import adapters
from tfnative_aot.checks.functions import without_shapes
from tfnative_aot.checks.live import Live, Results
from tfnative_aot.checks.loops import Loop
from tfnative_aot.checks.scope import Scope, Words

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef


@dataclass(frozen=True)
class Body:
    """A function that was looked through.

    Attributes:
        function: What it is.
        scope: Its graph, with checks.
        words: What the checks say, or None if there are none.
    """

    function: FunctionDef
    scope: Scope
    words: Words | None


Look = Callable[["Call"], Body]
"""Looks through a function for what is checked in it."""


@dataclass(frozen=True)
class Call:
    """A function that is called.

    Attributes:
        name: Its name.
        arguments: Tensors of the graph that calls.
        scope: That graph.
        graph: The function's.
        results: Those of its results that are needed.
        loop: The loop that it is the body or the condition of, or None.
    """

    name: str
    arguments: Sequence[Any]
    scope: Scope
    graph: Any
    results: Results
    loop: Loop | None = None


class Library:
    """Functions by name, and their graphs.

    Attributes:
        live: What is needed of them.
    """

    def __init__(self, functions: Iterable[FunctionDef], whole: Any) -> None:
        """Takes the functions of a graph, and the graph."""
        self._whole = whole
        self._known = {f.signature.name: without_shapes(f) for f in functions}
        self.live = Live(self._known)
        self._added: list[FunctionDef] = []

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __getitem__(self, name: str) -> FunctionDef:
        return self._known[name]

    def graph(self, name: str, shapes: Sequence[Any]) -> Any:
        """The graph of a function, for the shapes of its arguments."""
        with self._whole.as_default():
            return adapters.tf().function_graph(self._known[name], shapes)

    def new_name(self, name: str) -> str:
        """A name for what is made of a function."""
        return f"{name}_checked_{len(self._added)}"

    def add(self, function: FunctionDef, scope: Scope | None) -> str:
        """Adds a function, and what was added to its graph calls; returns its name."""
        self._added.append(function)
        if scope is not None:
            self.add_called(scope)
        return str(function.signature.name)

    def add_called(self, scope: Scope) -> None:
        """Adds the functions that what was added to a graph calls."""
        known = {function.signature.name for function in self.all()}
        self._added += scope.new_functions(known)

    def all(self) -> list[FunctionDef]:
        """Those that there were, and those that were added."""
        return [*self._known.values(), *self._added]
