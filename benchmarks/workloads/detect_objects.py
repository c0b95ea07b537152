# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A detector, and its end alone: the choice among its boxes.

python -m benchmarks.workloads.detect_objects CONTESTANT PART MODEL ANSWER.npz
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import contestants, detector
from benchmarks.contestants import Arrays, Predict
from benchmarks.measure import run_python, summarize, time_call
from benchmarks.workloads import Measurement

NAME = "detect_objects"
PACKAGES = ("ai_edge_litert",)
CONTESTANTS = {
    "whole": ("tensorflow", "tfnative"),
    "end": ("tensorflow", "tfnative", "litert"),
}
"""By part. LiteRT has an op of its own for the end."""
RATIOS = {"tfnative": 1.0}
ROUNDS = 3
"""Contestants take turns, since a machine may be slow for a while."""


def run(folder: Path) -> list[Measurement]:
    """Latency of each contestant, on one thread."""
    measured = []
    for part, names in CONTESTANTS.items():
        saved_model, answer = folder / f"detector_{part}", folder / f"{part}.npz"
        run_python("-m", "benchmarks.detector", part, saved_model)
        run_python("-m", __name__, "answer", part, saved_model, answer)
        found = {name: _prepare(name, part, saved_model) for name in names}
        times: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(ROUNDS):
            for name, model in found.items():
                said = run_python("-m", __name__, name, part, model, answer)
                times[name] += json.loads(said.splitlines()[-1])
        measured += [
            Measurement(
                NAME,
                name,
                f"{part}_micros",
                summarize(values),
                ratio_target=RATIOS.get(name),
            )
            for name, values in times.items()
        ]
    return measured


def _prepare(name: str, part: str, saved_model: Path) -> Path:
    if name != "litert":
        return contestants.find(name).prepare(saved_model, saved_model.parent, [1])
    output = saved_model.with_suffix(".tflite")
    run_python("-m", "benchmarks.detector", part, output)
    return output


def write_answer(part: str, saved_model: Path, answer: Path) -> None:
    """Records what TensorFlow answers."""
    found = contestants.find("tensorflow").load(saved_model)(detector.inputs(part))
    np.savez(answer, **found)


def measure(name: str, part: str, model: Path, answer: Path) -> list[float]:
    """Microseconds per call, once the answer is right.

    LiteRT may give equal scores in another order: its scores are compared.
    """
    predict = _litert(model) if name == "litert" else contestants.find(name).load(model)
    inputs = detector.inputs(part)
    got, wanted = predict(inputs), np.load(answer)
    compared = ("scores",) if name == "litert" else wanted.files
    assert wanted["count"] == detector.MOST
    for output in compared:
        np.testing.assert_allclose(got[output], wanted[output], 1e-3, 1e-4)
    return time_call(lambda: predict(inputs))


def _litert(path: Path) -> Predict:
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    places = {
        each["name"].rpartition("_")[2].partition(":")[0]: each["index"]
        for each in interpreter.get_input_details()
    }
    names = ("boxes", "classes", "count", "scores")
    results = {
        names[int(each["name"].rpartition(":")[2])]: each["index"]
        for each in interpreter.get_output_details()
    }

    def predict(inputs: Arrays) -> Arrays:
        for name, value in inputs.items():
            interpreter.set_tensor(places[name], value)
        interpreter.invoke()
        return {name: interpreter.get_tensor(at) for name, at in results.items()}

    return predict


if __name__ == "__main__":
    if sys.argv[1] == "answer":
        write_answer(sys.argv[2], *map(Path, sys.argv[3:]))
    else:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], *map(Path, sys.argv[3:]))))
