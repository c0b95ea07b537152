# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Several devices of a machine train as one does, and export the same model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.cluster.clusters import only_all
from tests.training.trained import Trained, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "strategy",
    [
        "mirrored",
        pytest.param("central", marks=only_all),
        pytest.param("mixed --precision mixed_float16", marks=only_all),
    ],
)
def test_a_strategy_of_one_machine_learns_and_exports_float32(
    strategy: str, trained: Trained, tmp_path: Path
):
    done = run(
        *(tmp_path, "fit", "--strategy", *strategy.split(), "--model", "mlp"),
        *("--steps", "90", "--json", "--output", "model"),
        *("--data-folder", trained.folder / "build/data/digits"),
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["steps"] == 90
    assert summary["held_out"] > 0.9
    assert (tmp_path / "model" / "saved_model.pb").is_file()


def test_more_gpus_than_there_are_is_one_line(tmp_path: Path):
    done = run(tmp_path, "fit", "--strategy", "mirrored", "--device", "gpu")
    if done.returncode == 0:
        pytest.skip("this machine has the GPUs")
    assert done.returncode == 1
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("training: ")]
    assert "GPU" in line
