# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What it costs to check each id of a recommendation model with 8 embeddings.

python -m benchmarks.workloads.checked_embeddings CHECKED UNCHECKED ANSWER.npz
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import contestants, models
from benchmarks.measure import run_python, summarize
from benchmarks.workloads import Measurement

NAME = "checked_embeddings"
BATCH_SIZES = (1, 32, 256)
TARGET = 1.02
"""Times as long as without checks."""
TOLERANCE = 1e-5
SECONDS = 6.0
ROUND_SECONDS = 0.002

Arrays = dict[str, npt.NDArray[np.generic]]


def run(folder: Path) -> list[Measurement]:
    """How many times as long a call takes with checks, at each batch size."""
    import tfnative

    saved_model = models.export("wide_and_deep", folder)
    answer = folder / "wide_and_deep_answer.npz"
    run_python("-m", __name__, "answer", saved_model, answer)
    artifacts = [
        tfnative.compile(
            saved_model,
            folder / name,
            name=name,
            batch_sizes=BATCH_SIZES,
            cpus=["native"],
            checks=checks,
        )
        for name, checks in (("checked", True), ("unchecked", False))
    ]
    said = run_python("-m", __name__, *artifacts, answer)
    ratios: dict[str, list[float]] = json.loads(said.splitlines()[-1])
    return [
        Measurement(
            NAME, "tfnative", f"time_ratio_{size}_rows", summarize(values), TARGET
        )
        for size, values in ratios.items()
    ]


def inputs(rows: int) -> Arrays:
    """Ids that are in their tables."""
    rng = np.random.default_rng(5)
    return {
        "ids": rng.integers(0, models.VOCABULARY, (rows, 8)).astype(np.int32),
        "numbers": rng.standard_normal((rows, 13)).astype(np.float32),
    }


def write_answer(saved_model: Path, answer: Path) -> None:
    """Records what TensorFlow makes of the most rows."""
    predict = contestants.find("tensorflow").load(saved_model)
    (y,) = predict(inputs(max(BATCH_SIZES))).values()
    np.savez(answer, y=y)


def measure(checked: Path, unchecked: Path, answer: Path) -> dict[int, list[float]]:
    """Ratios of the times of two models whose answers are right, by batch size."""
    predicts = [
        contestants.find("tfnative").load(path) for path in (checked, unchecked)
    ]
    expected = np.load(answer)["y"]
    for predict in predicts:
        (got,) = predict(inputs(len(expected))).values()
        np.testing.assert_allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE)
    _see_that_one_checks(*predicts)
    ratios = {}
    for rows in BATCH_SIZES:
        given = inputs(rows)
        one, other = (partial(predict, given) for predict in predicts)
        ratios[rows] = time_ratio(one, other)
    return ratios


def _see_that_one_checks(
    checked: contestants.Predict, unchecked: contestants.Predict
) -> None:
    from tfnative import InvalidArgumentError

    wrong = inputs(1)
    wrong["ids"][0, 3] = models.VOCABULARY
    unchecked(wrong)
    try:
        checked(wrong)
    except InvalidArgumentError:
        return
    raise AssertionError("an id that is in no table was not refused")


def time_ratio(
    one: Callable[[], object], other: Callable[[], object], seconds: float = SECONDS
) -> list[float]:
    """How many times as long as the other one takes: a value for each pair of rounds.

    They take turns, and in each pair the other one begins, so that neither profits from
    how fast the machine is at the moment.
    """
    repeat = range(max(1, int(ROUND_SECONDS / min(_seconds(one, range(20)) / 20, 1))))
    ratios = []
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        first, second = _seconds(one, repeat), _seconds(other, repeat)
        third, fourth = _seconds(other, repeat), _seconds(one, repeat)
        ratios.append((first + fourth) / (second + third))
    return ratios


def _seconds(call: Callable[[], object], repeat: range) -> float:
    """Of the processor's time: other processes of the machine do not count."""
    start = time.thread_time()
    for _ in repeat:
        call()
    return time.thread_time() - start


if __name__ == "__main__":
    if sys.argv[1] == "answer":
        write_answer(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        print(json.dumps(measure(*map(Path, sys.argv[1:]))))
