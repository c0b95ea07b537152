# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A contestant with its model in a process of its own, timed round by round.

python -m benchmarks.worker CONTESTANT MODEL ANSWER.npz THREADS PRECISION

checks its answer, prints how far it is from TensorFlow's in float32, in decibels, and
for each number of seconds on standard input the microseconds of single calls.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import contestants
from benchmarks.arithmetic import ARITHMETICS, FLOAT32

TOLERANCE = ARITHMETICS[FLOAT32].tolerance
RESULT = "result: "
"""Begins the lines that are ours: runtimes print what they like."""


def main(name: str, model: str, answer: str, threads: str, precision: str) -> None:
    """Serves rounds until standard input ends."""
    predict = contestants.find(name).load(Path(model), int(threads))
    known = dict(np.load(answer))
    inputs = {k[6:]: v for k, v in known.items() if k.startswith("input:")}
    expected = known["output"]
    (got,) = predict(inputs).values()
    error = float(np.max(np.abs(got - expected)) / np.max(np.abs(expected)))
    if not error <= ARITHMETICS[precision].tolerance:
        raise SystemExit(f"wrong by {error:.1e}, relative to the largest value")
    print(RESULT + json.dumps(_signal_to_noise(expected, got)), flush=True)
    for line in sys.stdin:
        print(RESULT + json.dumps(_round(predict, inputs, float(line))), flush=True)


def _signal_to_noise(expected: Any, got: Any) -> float | None:
    """In decibels; None if there is no difference."""
    signal = np.sum(np.square(expected, dtype=np.float64))
    noise = np.sum(np.square(got - expected, dtype=np.float64))
    return float(10 * np.log10(signal / noise)) if noise else None


def _round(
    predict: contestants.Predict, inputs: contestants.Arrays, seconds: float
) -> list[float]:
    micros: list[float] = []
    predict(inputs)
    deadline = time.perf_counter() + seconds
    while len(micros) < 2 or time.perf_counter() < deadline:
        start = time.perf_counter_ns()
        predict(inputs)
        micros.append((time.perf_counter_ns() - start) / 1e3)
    return micros


if __name__ == "__main__":
    main(*sys.argv[1:])
