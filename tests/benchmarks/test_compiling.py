# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the command prints becomes seconds of stages, and of runs the best."""

from __future__ import annotations

import time

import pytest

from benchmarks.compiling import START, Compilation, _stages


def test_stages_are_the_lines_that_begin_them() -> None:
    lines = [
        "WARNING: of a library\n",
        "[   0.1s] load the model\n",
        "[   0.9s] compile with XLA\n",
        "[   1.2s]   1/9 serving_default, batch size 1, x86-64-v2\n",
        "[  10.0s] done\n",
    ]
    start = time.perf_counter() - 100
    stages = _stages(lines, start)
    assert list(stages) == [START, "load the model", "compile with XLA"]
    assert stages[START] == pytest.approx(100, abs=5)
    assert sum(stages.values()) <= time.perf_counter() - start


def test_the_best_of_runs_has_the_least_of_each_time() -> None:
    one = Compilation("python", "cold", {"a": 1.0, "b": 4.0}, 5.0, 9.0)
    other = Compilation("python", "cold", {"a": 2.0, "b": 2.0}, 4.0, 10.0)
    best = Compilation("python", "cold", {"a": 1.0, "b": 2.0}, 4.0, 9.0)
    assert Compilation.best([one, other]) == best
