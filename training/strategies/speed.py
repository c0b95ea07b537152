# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How many steps a second several devices of a machine do, by their number."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from training.apart import apart
from training.errors import TrainingError
from training.options import FitOptions
from training.strategies import run
from training.strategies.devices import replicas_of, tf_keras

REPLICATED = ("mirrored", "central")
"""Strategies with several devices of one machine."""
WARM_UP = 5
"""Steps that are not counted: functions are traced in them."""


@dataclass(frozen=True)
class Speed:
    """A training with one number of replicas.

    Attributes:
        strategy: Its name.
        replicas: Devices that share the rows of a step.
        rows: Of a step, of all replicas together.
        steps_per_second: Of all together, without the first `WARM_UP` steps.
        held_out: The metric on held-out rows, after the steps.
    """

    strategy: str
    replicas: int
    rows: int
    steps_per_second: float
    held_out: float

    @property
    def rows_per_second(self) -> float:
        """Rows of all replicas together."""
        return self.rows * self.steps_per_second


def measure_speeds(
    strategies: Sequence[str],
    replicas: Sequence[int],
    options: FitOptions,
    *,
    rows_of_replica: bool = False,
) -> list[Speed]:
    """Trains with each strategy and each number, one after the other.

    Each is a process of its own, since a CPU is split into devices but once.

    Args:
        strategies: Of `REPLICATED`.
        replicas: Numbers of devices.
        options: What to train; ``steps`` of them, after a few that are not counted.
        rows_of_replica: Whether ``batch_size`` is the rows of a replica, so that more
            replicas have larger steps, and not those of a step.

    Raises:
        TrainingError: A strategy has no replicas; the rows cannot be shared by them; or
            a training failed.
    """
    for name in strategies:
        if name not in REPLICATED:
            raise TrainingError(
                f"{name!r} has no replicas on one machine: choose among "
                f"{', '.join(REPLICATED)}"
            )
    for count in replicas:
        if not rows_of_replica and options.batch_size % count:
            raise TrainingError(
                f"{options.batch_size} rows cannot be shared by {count} replicas: "
                f"choose a --batch-size that {count} divides"
            )
    found = []
    for name in strategies:
        for count in replicas:
            rows = options.batch_size * (count if rows_of_replica else 1)
            chosen = replace(
                options, strategy=name, replicas=count, batch_size=rows, verbose=0
            )
            found.append(apart(measure_speed, chosen))
    return found


def measure_speed(options: FitOptions) -> Speed:
    """Trains in this process, which must not have used TensorFlow before."""
    central = options.strategy == "central"
    keras: Any = tf_keras() if central else importlib.import_module("keras")
    ends: list[float] = []

    def on_train_batch_end(batch: int, logs: Any = None) -> None:
        ends.append(time.perf_counter())

    clock = keras.callbacks.LambdaCallback(on_train_batch_end=on_train_batch_end)
    steps = WARM_UP + (options.steps or 50)
    options = replace(options, steps=steps, callbacks=(clock,))
    fitted = run(options)
    counted = len(ends) - WARM_UP
    return Speed(
        strategy=options.strategy,
        replicas=replicas_of(options),
        rows=options.batch_size,
        steps_per_second=counted / (ends[-1] - ends[WARM_UP - 1]),
        held_out=fitted.held_out,
    )
