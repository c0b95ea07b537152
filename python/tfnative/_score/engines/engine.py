# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an engine is, and which there are."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Literal, Protocol, get_args

from tfnative._model import Model
from tfnative._score.plan import Unit
from tfnative._score.task import Task, Watch
from tfnative.errors import Error, FailedPreconditionError, InternalError

EngineName = Literal["local", "ray", "spark"]
ENGINES: tuple[str, ...] = get_args(EngineName)


_LONGEST = 2000
"""Of what an engine says: what went wrong stands at its end."""


class Engine(Protocol):
    """Runs the units of a job, each at least once, in any order.

    Parts have the same content whoever makes them, and appear as a whole, so that one
    that is made twice is there once.
    """

    def check(self) -> None:
        """Before anything is read.

        Raises:
            UnimplementedError: A package that it needs is not installed.
            UnavailableError: There is no cluster.
        """

    def pieces(self) -> int:
        """Into how many units at least a job should be divided."""

    def run(
        self, task: Task, model: Model, units: Sequence[Unit], watch: Watch
    ) -> None:
        """Runs all units, and says of each what became of it.

        Raises:
            Error: Of a unit; the others are stopped.
        """


def given_up(engine: str, left: str, reason: str, hint: str) -> Error:
    """The error of an engine that does not try a part again.

    Args:
        engine: Its name, for people.
        left: What it has not done.
        reason: What it says, which has stacks in it.
        hint: How its processes get packages.
    """
    if f"No module named '{__name__.partition('.')[0]}'" in reason:
        return FailedPreconditionError(
            f"the processes of {engine} have no tfnative: install it on all machines, "
            f"or {hint}"
        )
    text = " ".join(reason.split())[-_LONGEST:] or "it does not say why"
    return InternalError(f"{engine} gave up {left}: {text}")


def engine_of(name: str) -> Engine:
    """The engine of a name; its package is imported by ``check``."""
    module = importlib.import_module(f"tfnative._score.engines.{name}")
    found: Engine = module.ENGINE
    return found
