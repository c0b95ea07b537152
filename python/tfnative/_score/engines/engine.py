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

EngineName = Literal["local", "ray", "spark"]
ENGINES: tuple[str, ...] = get_args(EngineName)


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


def engine_of(name: str) -> Engine:
    """The engine of a name; its package is imported by ``check``."""
    module = importlib.import_module(f"tfnative._score.engines.{name}")
    found: Engine = module.ENGINE
    return found
