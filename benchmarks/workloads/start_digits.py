# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""From a fresh process to the first prediction: time and memory beyond NumPy's.

python -m benchmarks.workloads.start_digits CONTESTANT MODEL HELD_OUT.npz
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks import contestants
from benchmarks.measure import resident_bytes, run_python, summarize
from benchmarks.workloads import Measurement

NAME = "start_digits"
CONTESTANTS = ("tensorflow", "tfnative")
ROUNDS = {"tensorflow": 3, "tfnative": 9}
TARGET_MILLIS = 150.0
TARGET_OVER_WEIGHTS = 8.0
MIN_ACCURACY = 0.9


def run(folder: Path) -> list[Measurement]:
    """Start-up time and resident memory of each contestant."""
    saved_model = folder / "digits"
    run_python(*("-m", "training", "fit", "--output", saved_model, "--epochs", "8"))
    held_out = folder / "digits_heldout.npz"
    measured = []
    for name in CONTESTANTS:
        model = contestants.find(name).prepare(saved_model, folder, [1, 8, 32])
        rounds = [
            json.loads(
                run_python("-m", __name__, name, model, held_out).splitlines()[-1]
            )
            for _ in range(ROUNDS[name])
        ]
        millis, megabytes = map(summarize, zip(*rounds, strict=True))
        limits: tuple[float | None, float | None] = (None, None)
        if name == "tfnative":
            limits = TARGET_MILLIS, _weights_megabytes(model) + TARGET_OVER_WEIGHTS
        measured += [
            Measurement(NAME, name, "ready_millis", millis, limits[0]),
            Measurement(NAME, name, "memory_megabytes", megabytes, limits[1]),
        ]
    return measured


def measure(name: str, model: Path, held_out: Path) -> tuple[float, float]:
    """Milliseconds to import and load; megabytes after the first prediction."""
    import numpy as np

    digits = dict(np.load(held_out))
    memory = resident_bytes()
    start = time.perf_counter()
    predict = contestants.find(name).load(model)
    ready = time.perf_counter() - start
    got = predict({"image": digits["images"][:32]})["probabilities"]
    grown = resident_bytes() - memory
    accuracy = (got.argmax(axis=1) == digits["labels"][:32]).mean()
    if accuracy < MIN_ACCURACY:
        raise SystemExit(f"{name} is right in {accuracy:.0%} of the digits only")
    return ready * 1e3, grown / 1e6


def _weights_megabytes(model: Path) -> float:
    manifest = json.loads((model / "manifest.json").read_text())
    return float(manifest["weights_bytes"]) / 1e6


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
