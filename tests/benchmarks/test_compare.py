# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks, on the model with two inputs, without peers."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as command, limits, models
from benchmarks.limits import Limits, Reading

# More than any machine does, so that what is measured is less.
LIMITS = Limits(gflops=10_000.0, readings=(Reading("memory", None, 1000.0),))
OPTIONS = "--models wide_and_deep --batch-sizes 4 --rounds 2 --seconds 0.01 --peers"
ROWS = 4
DEEP = ((8 * 16 + 13, 256), (256, 128), (128, 64), (64, 1), (8 + 13, 1))


@dataclass(frozen=True)
class Run:
    folder: Path
    output: str
    errors: str

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "out/a.json").read_text())
        return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("benchmarks")
    options = [*OPTIONS.split(), "", "--folder", str(folder)]
    options += ["--json", str(folder / "out/a.json")]
    options += ["--chart", str(folder / "out/a.png")]
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "measure", lambda: LIMITS)
        with redirect_stdout(output), redirect_stderr(errors):
            assert command.main(options) == 0
    return Run(folder, output.getvalue(), errors.getvalue())


@pytest.mark.slow
def test_it_writes_json(run: Run):
    (result,) = run.content["results"]
    assert run.content["settings"] == {"threads": 1, "rounds": 2, "seconds": 0.01}
    assert run.content["limits"]["gflops"] == 10_000
    assert (result["model"], result["batch_size"]) == ("wide_and_deep", ROWS)
    assert result["ours"]["problem"] == ""
    assert 0 < result["ours"]["median_micros"] <= result["ours"]["p99_micros"]
    assert 0 < result["fraction_of_limit"] < 1
    assert (result["peers"], result["ratio"]) == ([], None)


@pytest.mark.slow
def test_it_shows_a_line_then_a_table_and_draws(run: Run):
    assert "wide_and_deep, batch size 4: " in run.errors
    assert "of limit" in run.output
    assert (run.folder / "out/a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_ids_are_of_the_vocabulary(run: Run):
    known = np.load(run.folder / "wide_and_deep_4.npz")
    ids = known["input:ids"]
    assert (ids.dtype, ids.shape) == (np.int32, (ROWS, 8))
    assert set(ids.ravel()) <= set(range(models.VOCABULARY))
    assert known["input:numbers"].shape == (ROWS, 13)
    assert known["output"].shape == (ROWS, 1)


@pytest.mark.slow
def test_work_is_what_the_layers_do(run: Run):
    work = run.content["results"][0]["work"]
    weights = sum(inputs * outputs for inputs, outputs in DEEP)
    assert work["flops"] == 2 * ROWS * weights
    # Matrices, inputs, output, and what is looked up; besides, biases and shapes.
    least = 4 * (weights + ROWS * (8 + 13 + 1) + ROWS * 8 * (16 + 1))
    assert least < work["bytes"] < least * 1.02


@pytest.mark.parametrize("option", ["--models=nothing", "--peers=nobody", "--rounds=0"])
def test_what_is_not_known_is_refused(option: str):
    with pytest.raises(SystemExit) as error_info:
        command.main([option])
    assert error_info.value.code == 2
