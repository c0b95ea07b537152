# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is measured, one file per kind, each with a function ``run``."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Sample

NAMES = (
    "predict_mlp",
    "checked_embeddings",
    "detect_objects",
    "start_digits",
    "compile_mobilenet",
    "wheel_size",
)


@dataclass(frozen=True)
class Measurement:
    """One thing measured for one contestant.

    Attributes:
        workload: Name of the workload.
        contestant: Name of the contestant.
        metric: What was measured, with its unit: "latency_micros".
        sample: The numbers.
        target: What it must be below, or None.
        ratio_target: How many times less than TensorFlow's it must be, or None.
    """

    workload: str
    contestant: str
    metric: str
    sample: Sample
    target: float | None = None
    ratio_target: float | None = None


def find(name: str) -> Callable[[Path], list[Measurement]]:
    """The function that measures a workload, given a folder for its files."""
    module = importlib.import_module(f"benchmarks.workloads.{name}")
    run: Callable[[Path], list[Measurement]] = module.run
    return run


def missing(name: str) -> list[str]:
    """Packages that a workload needs and that are not installed."""
    module = importlib.import_module(f"benchmarks.workloads.{name}")
    needed: tuple[str, ...] = getattr(module, "PACKAGES", ())
    return [each for each in needed if importlib.util.find_spec(each) is None]
