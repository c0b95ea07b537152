# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runtimes, one file each, with the functions of ``Contestant``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from benchmarks.arithmetic import FLOAT32, SAMPLES

Arrays = dict[str, Any]
Predict = Callable[[Arrays], Arrays]


class Contestant(Protocol):
    """What a module of this package has."""

    def prepare(
        self,
        saved_model: Path,
        folder: Path,
        batch_sizes: list[int],
        precision: str = FLOAT32,
    ) -> Path:
        """Converts a SavedModel into what this runtime loads, below ``folder``.

        Raises:
            ValueError: The runtime does not compute in that precision.
        """

    def load(self, model: Path, threads: int = 1) -> Predict:
        """Imports the runtime and loads a model; inputs and outputs by name.

        Args:
            model: What ``prepare`` returned.
            threads: How many may work on one call.
        """


def use_threads(threads: int) -> None:
    """Tells TensorFlow, before it is used, how many threads to have."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def converted(saved_model: Path, folder: Path, precision: str, suffix: str) -> Path:
    """Where a contestant keeps what it converts; each precision has its own place."""
    middle = "" if precision == FLOAT32 else f".{precision}"
    return folder / f"{saved_model.name}{middle}.{suffix}"


def calibration(saved_model: Path) -> Path:
    """A .npz file of samples beside the SavedModel, which is made if there is none."""
    output = saved_model.with_name(f"{saved_model.name}_calibration.npz")
    if not output.is_file():
        from benchmarks.reference import draw_samples

        draw_samples(saved_model, output, SAMPLES)
    return output


def batches(saved_model: Path, rows: int = 1) -> Iterator[Arrays]:
    """The samples of ``calibration``, so many at a time; what is left over is not."""
    with np.load(calibration(saved_model)) as content:
        samples = dict(content)
    for start in range(0, SAMPLES - rows + 1, rows):
        yield {name: value[start : start + rows] for name, value in samples.items()}


def refuse_other(precision: str) -> None:
    """For those that compute in float32 only.

    Raises:
        ValueError: Another precision is asked for.
    """
    if precision != FLOAT32:
        raise ValueError(f"{precision} is nothing that this runtime computes in")


def find(name: str) -> Contestant:
    """The contestant of that name."""
    return cast("Contestant", importlib.import_module(f"benchmarks.contestants.{name}"))
