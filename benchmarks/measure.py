# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Timing, and what is known of the process and the machine."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Sample:
    """A number of measurements of one thing.

    Attributes:
        median: In the unit of the workload.
        spread: Width of the middle half, in the same unit.
        rounds: How often it was measured.
    """

    median: float
    spread: float
    rounds: int


def summarize(values: Sequence[float]) -> Sample:
    """Median and interquartile range."""
    if len(values) < 2:
        return Sample(values[0], 0.0, 1)
    first, middle, third = statistics.quantiles(values, n=4, method="inclusive")
    return Sample(middle, third - first, len(values))


def time_call(call: Callable[[], object], seconds: float = 2.0) -> list[float]:
    """Microseconds per call, one value per round of about five milliseconds."""
    deadline = time.perf_counter() + 0.3
    while time.perf_counter() < deadline:  # Caches, clocks, lazy set-up.
        call()
    start = time.perf_counter()
    for _ in range(10):
        call()
    repeat = range(max(1, int(0.05 / (time.perf_counter() - start))))
    rounds = []
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        start = time.perf_counter()
        for _ in repeat:
            call()
        rounds.append((time.perf_counter() - start) / len(repeat) * 1e6)
    return rounds


def resident_bytes() -> int:
    """Memory of this process that is in RAM now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def machine() -> dict[str, str]:
    """CPU, cores, and versions."""
    known = {"cpu": _cpu_name(), "cores": str(len(os.sched_getaffinity(0)))}
    known["python"] = platform.python_version()
    for package in ("numpy", "tensorflow", "tfnative"):
        try:
            known[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return known


def child_environment() -> dict[str, str]:
    """For processes that import this package from wherever they are started."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {"PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return {**os.environ, **own}


def run_python(*arguments: str | Path) -> str:
    """Standard output of a fresh Python; its last line is the result.

    Raises:
        RuntimeError: It failed; the message has what it said.
    """
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=child_environment()
    )
    if done.returncode != 0:
        how = f"\nended by signal {-done.returncode}" if done.returncode < 0 else ""
        raise RuntimeError(f"{command[1:]} failed:\n{done.stderr[-2000:]}{how}")
    return done.stdout


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
