# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What to train, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
JIT = ("off", "auto", "on")
LOOKS = ("histograms", "graph", "mistakes", "projector")
DEBUG = ("numerics", "dump")
BATCH_NORMS = ("replica", "synchronized")
DEVICES = ("cpu", "gpu")
WORKERS = 2
SERVERS = 1
REPLICAS = 2
"""Of a cluster or a strategy that is started here, where nobody says how many."""


@dataclass(frozen=True)
class FitOptions:
    """What `training.fit.fit` is asked for.

    Attributes:
        model: Name of the network.
        data: Name of the data set.
        strategy: Name of the strategy.
        data_folder: Where the data's files are; ``build/data/NAME`` if None.
        epochs: How often to go through the data; the data's default if None.
        steps: Batches to train on, instead of epochs.
        batch_size: Rows of a step, of all replicas together.
        learning_rate: To begin with; the model's default if None. It falls to zero in
            half a cosine.
        seed: Of weights and order.
        logs: Folder for TensorBoard, or None.
        checkpoints: Folder of checkpoints, or None. A run goes on from the last one.
        checkpoint_steps: Steps between checkpoints; an epoch if None.
        keep: Checkpoints that are kept.
        output: Folder for the SavedModel, or None.
        overwrite: Whether to replace a SavedModel that is there.
        precision: Keras' policy: `PRECISIONS`.
        jit: Whether XLA compiles the step: `JIT`.
        device: ``cpu`` or ``gpu``.
        replicas: Devices of a strategy that has several on a machine; `REPLICAS` if
            None.
        workers: Processes that train, for strategies with a cluster; `WORKERS` if None.
        servers: Parameter servers, for strategies that have them; `SERVERS` if None.
        join_seconds: How long a member waits for the others to come.
        run_folder: For what members of a cluster log; a new one if None.
        evaluator: Whether a process of its own validates the checkpoints.
        evaluator_seconds: How long that one waits for a checkpoint; if None, an hour,
            or as long as the cluster that was started here trains.
        batch_norm: Whether replicas normalise their own rows, or all of a step
            together: `BATCH_NORMS`.
        reading: Fields of `training.data.read.Reading` by name.
        looks: What more TensorBoard is to show: `LOOKS`.
        profile: The first and the last step of a trace, or None.
        debug: How to look for what is not finite: `DEBUG`, or None.
        callbacks: More Keras callbacks.
        verbose: 0 says nothing, 1 shows a bar, 2 a line for each epoch.
    """

    model: str = "cnn"
    data: str = "digits"
    strategy: str = "single"
    data_folder: str | None = None
    epochs: int | None = None
    steps: int | None = None
    batch_size: int = 32
    learning_rate: float | None = None
    seed: int = 7
    logs: Path | None = None
    checkpoints: Path | None = None
    checkpoint_steps: int | None = None
    keep: int = 3
    output: Path | None = None
    overwrite: bool = False
    precision: str = "float32"
    jit: str = "off"
    device: str = "cpu"
    replicas: int | None = None
    workers: int | None = None
    servers: int | None = None
    join_seconds: float = 60.0
    run_folder: Path | None = None
    evaluator: bool = False
    evaluator_seconds: float | None = None
    batch_norm: str = "replica"
    reading: dict[str, Any] = field(default_factory=dict)
    looks: tuple[str, ...] = ()
    profile: tuple[int, int] | None = None
    debug: str | None = None
    callbacks: Sequence[Any] = ()
    verbose: int = 2


@dataclass(frozen=True)
class Fitted:
    """What came of training.

    Attributes:
        model: The trained ``keras.Model``; None where other processes had it.
        metric: What ``held_out`` is: ``accuracy``, ``mean absolute error`` or ``mean
            squared error``.
        held_out: The metric on rows that training has not seen.
        rows: How many rows that were.
        steps: Steps since the weights were random, those before a restart included.
        first_step: Steps that a checkpoint had; 0 for a new run.
        seconds: How long this run trained.
        history: Values of each epoch of this run, by name.
        checkpoint: The last one, or None.
        output: The SavedModel, or None.
        not_measured: Classes of which no held-out row is, so that an accuracy says
            nothing of them.
    """

    model: Any
    metric: str
    held_out: float
    rows: int
    steps: int
    first_step: int
    seconds: float
    history: dict[str, list[float]] = field(default_factory=dict)
    checkpoint: str | None = None
    output: Path | None = None
    not_measured: tuple[str, ...] = ()

    def summary(self) -> str:
        """Some lines for a person."""
        took = self.steps - self.first_step
        rate = took / self.seconds if self.seconds > 0 else 0.0
        lines = [f"steps: {self.steps}, {took} of them in {self.seconds:.1f} s"]
        if took:
            lines[0] += f" ({rate:.0f} per second)"
        if not self.rows:
            lines += ["the chief evaluates"]
        elif self.metric == "accuracy":
            right = round(self.held_out * self.rows)
            lines += [
                f"held-out accuracy: {self.held_out:.4f} ({right} of {self.rows})"
            ]
            if self.not_measured:
                lines += [f"no held-out row is of {', '.join(self.not_measured)}"]
        else:
            lines += [f"held-out {self.metric}: {self.held_out:.4g} ({self.rows} rows)"]
        if self.checkpoint:
            lines += [f"checkpoint: {self.checkpoint}"]
        if self.output:
            lines += [f"exported: {self.output}"]
        return "\n".join(lines)
