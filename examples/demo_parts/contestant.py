# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Predicts digits with TensorFlow or with tfnative, and measures what that takes.

    python contestant.py tensorflow|tfnative MODEL HELD_OUT

runs one of them and prints a ``Result`` as JSON; ``measure_in_child`` does so in a
process of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Predict = Callable[[NDArray[Any]], NDArray[Any]]

BATCH_SIZES = (1, 32)


@dataclass(frozen=True)
class Result:
    """What one way of predicting takes.

    Attributes:
        name: "tensorflow" or "tfnative".
        shipped_bytes: The model and the packages that have to be installed for it.
        ready_seconds: To import the package and load the model.
        latency_micros: Median of a call, per number of rows, from NumPy to NumPy.
        accuracy: On the held-out digits.
        classes: What each of them was taken for.
    """

    name: str
    shipped_bytes: int
    ready_seconds: float
    latency_micros: dict[int, float]
    accuracy: float
    classes: list[int]


def measure_in_child(name: str, model: Path, held_out: Path) -> Result:
    """Measures in a fresh process."""
    command = [sys.executable, __file__, name, str(model), str(held_out)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    fields = json.loads(done.stdout.splitlines()[-1])
    latency = {int(rows): micros for rows, micros in fields["latency_micros"].items()}
    return Result(**{**fields, "latency_micros": latency})


def load_tensorflow(model: Path) -> Predict:
    """The SavedModel's signature, from NumPy to NumPy."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    serve = loaded.signatures["serving_default"]

    def predict(images: NDArray[Any]) -> NDArray[Any]:
        return serve(image=tf.constant(images))["probabilities"].numpy()

    predict.keep = loaded  # type: ignore[attr-defined]  # It owns the variables.
    return predict


def load_tfnative(model: Path) -> Predict:
    """The compiled model."""
    import tfnative

    loaded = tfnative.load(model)
    return lambda images: loaded.predict({"image": images})["probabilities"]


def median_micros(call: Callable[[], object], seconds: float = 1.0) -> float:
    """Median time of a call, after a warm-up, over about so many seconds."""
    for _ in range(20):
        call()
    start = time.perf_counter()
    call()
    per_round = max(1, int(0.005 / (time.perf_counter() - start)))
    rounds = []
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        start = time.perf_counter()
        for _ in range(per_round):
            call()
        rounds.append((time.perf_counter() - start) / per_round)
    return statistics.median(rounds) * 1e6


def main(name: str, model: Path, held_out: Path) -> None:
    """Measures in this process."""
    start = time.perf_counter()
    predict = {"tensorflow": load_tensorflow, "tfnative": load_tfnative}[name](model)
    ready = time.perf_counter() - start

    import numpy as np

    from demo_parts.footprint import folder_bytes, package_bytes

    digits = np.load(held_out)
    images, labels = digits["images"], digits["labels"]
    classes = predict(images).argmax(axis=1)
    if name == "tfnative" and "tensorflow" in sys.modules:
        raise SystemExit("tfnative has imported TensorFlow")
    result = Result(
        name=name,
        shipped_bytes=package_bytes(name) + folder_bytes(model),
        ready_seconds=ready,
        latency_micros={
            rows: median_micros(partial(predict, images[:rows].copy()))
            for rows in BATCH_SIZES
        },
        accuracy=float((classes == labels).mean()),
        classes=classes.tolist(),
    )
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
