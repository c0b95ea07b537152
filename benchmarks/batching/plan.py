# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What to measure, and the models that it is measured with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import models
from benchmarks.batching.servers import Batching
from benchmarks.measure import run_python
from benchmarks.prepare import Prepared, prepare, reference

Say = Callable[[str], None]

MAX_BATCH_SIZES = {"digits": 32, "cnn": 32, "mobilenet_v2": 8}
"""The models, and what their batches are limited to."""
ROWS = 64
"""That callers ask for, each for one of them."""


@dataclass(frozen=True)
class Plan:
    """What to measure, and how long.

    Attributes:
        models: Of MAX_BATCH_SIZES.
        peers: Of ``benchmarks.batching.servers.PEERS``.
        callers: How many send rows at once.
        batch_threads: Numbers of threads that compute; everything is done for each.
        batch_timeout_micros: How long the first row of a batch waits for others.
        rounds: How often every contestant has its turn.
        seconds: How long a turn is.
        folder: Keeps exported and converted models for the next time.
    """

    models: tuple[str, ...]
    peers: tuple[str, ...]
    callers: int
    batch_threads: tuple[int, ...]
    batch_timeout_micros: int
    rounds: int
    seconds: float
    folder: Path


@dataclass(frozen=True)
class Workload:
    """A model, ready for all contestants.

    Attributes:
        model: Its name.
        max_batch_size: Rows of its largest batch.
        answer: TensorFlow's answer to ROWS rows.
        runtimes: The model as it was converted for each.
    """

    model: str
    max_batch_size: int
    answer: Path
    runtimes: dict[str, Prepared]

    def batching(self, plan: Plan, num_batch_threads: int) -> Batching:
        """What contestants are asked for."""
        return Batching(
            self.max_batch_size, plan.batch_timeout_micros, num_batch_threads
        )


def make_workload(
    model: str, runtimes: tuple[str, ...], folder: Path, say: Say
) -> Workload:
    """Exports and converts a model, unless that was done before."""
    saved_model = folder / model
    if not saved_model.is_dir():
        say(f"{model}: export")
        _export(model, saved_model)
    largest = MAX_BATCH_SIZES.get(model, 32)
    sizes = tuple(size for size in (1, 8, 32) if size <= largest)
    prepared = {name: prepare(name, saved_model, sizes, say) for name in runtimes}
    answer, _ = reference(saved_model, ROWS)
    return Workload(model, largest, answer, prepared)


def _export(model: str, saved_model: Path) -> None:
    if model == "digits":
        run_python("-m", "training", "fit", "--epochs", "3", "--output", saved_model)
    else:
        models.export(model, saved_model.parent)
