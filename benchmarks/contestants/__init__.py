# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runtimes, one file each, with the functions of ``Contestant``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

Arrays = dict[str, Any]
Predict = Callable[[Arrays], Arrays]


class Contestant(Protocol):
    """What a module of this package has."""

    def prepare(self, saved_model: Path, folder: Path, batch_sizes: list[int]) -> Path:
        """Converts a SavedModel into what this runtime loads, below ``folder``."""

    def load(self, model: Path) -> Predict:
        """Imports the runtime and loads a model; inputs and outputs by name."""


def find(name: str) -> Contestant:
    """The contestant of that name."""
    return cast("Contestant", importlib.import_module(f"benchmarks.contestants.{name}"))
