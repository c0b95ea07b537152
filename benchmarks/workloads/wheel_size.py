# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Size of the wheel."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import ROOT, run_python, summarize
from benchmarks.workloads import Measurement

NAME = "wheel_size"
TARGET_MEGABYTES = 5.0


def run(folder: Path) -> list[Measurement]:
    """Builds the wheel with the tools that ``make`` has installed."""
    options = ("--no-deps", "--no-build-isolation", "-w", folder / "wheel")
    run_python("-m", "pip", "wheel", *options, ROOT)
    (wheel,) = (folder / "wheel").glob("*.whl")
    sample = summarize([wheel.stat().st_size / 1e6])
    return [Measurement(NAME, "tfnative", "megabytes", sample, TARGET_MEGABYTES)]
