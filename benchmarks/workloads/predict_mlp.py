# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""One row through a small network: the whole path from NumPy to NumPy.

python -m benchmarks.workloads.predict_mlp CONTESTANT MODEL ANSWER.npz
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from benchmarks import contestants, models
from benchmarks.measure import run_python, summarize, time_call
from benchmarks.workloads import Measurement

NAME = "predict_mlp"
CONTESTANTS = ("tensorflow", "tfnative")
TARGETS = {"tfnative": (2.5, 60.0)}
TOLERANCE = 1e-5


def run(folder: Path) -> list[Measurement]:
    """Latency of each contestant."""
    saved_model = models.export("mlp", folder)
    answer = folder / "mlp_answer.npz"
    run_python("-m", __name__, "answer", saved_model, answer)
    measured = []
    for name in CONTESTANTS:
        model = contestants.find(name).prepare(saved_model, folder, [1])
        said = run_python("-m", __name__, name, model, answer)
        target, ratio = TARGETS.get(name, (None, None))
        sample = summarize(json.loads(said.splitlines()[-1]))
        measured.append(
            Measurement(NAME, name, "latency_micros", sample, target, ratio)
        )
    return measured


def write_answer(saved_model: Path, answer: Path) -> None:
    """Records an input and what TensorFlow makes of it."""
    x = np.random.default_rng(5).standard_normal((1, 32)).astype(np.float32)
    (y,) = contestants.find("tensorflow").load(saved_model)({"x": x}).values()
    np.savez(answer, x=x, y=y)


def measure(name: str, model: Path, answer: Path) -> list[float]:
    """Microseconds per call, once the answer is right."""
    predict = contestants.find(name).load(model)
    expected = np.load(answer)
    inputs = {"x": expected["x"]}
    (got,) = predict(inputs).values()
    np.testing.assert_allclose(got, expected["y"], rtol=TOLERANCE, atol=TOLERANCE)
    return time_call(lambda: predict(inputs))


if __name__ == "__main__":
    if sys.argv[1] == "answer":
        write_answer(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
