# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The pipeline as it is by default keeps a device busy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.cluster.clusters import only_all
from tests.training.trained import run
from training.data.sources import fashion
from training.observe.steps import KEEPS_UP


@pytest.mark.slow
@only_all
@pytest.mark.skipif(
    not fashion.FOLDER.is_dir(), reason="needs Debian's dataset-fashion-mnist"
)
def test_a_cnn_computes_for_95_percent_of_a_step(tmp_path: Path, data_root: Path):
    folder = data_root / "fashion"
    done = run(
        *(tmp_path, "fit", "--model", "cnn", "--data", "fashion"),
        *("--data-folder", folder, "--batch-size", "128", "--steps", "40"),
        *("--logs", "logs", "--profile", "15-39"),
    )
    assert done.returncode == 0, done.stderr
    done = run(tmp_path, "timeline", "logs", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["steps"] == 25
    assert found["input"] < KEEPS_UP
    assert found["compute"] / (found["compute"] + found["input"]) > 0.95
    assert found["verdict"].startswith("compute-bound")
