# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Steps per second by the number of replicas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.cluster.clusters import only_all
from training.cli.main import main
from training.errors import TrainingError
from training.options import FitOptions
from training.strategies.speed import REPLICATED, measure_speeds


@pytest.mark.slow
@only_all
def test_each_number_of_replicas_trains_and_is_timed(
    data_root: Path, capsys: pytest.CaptureFixture[str]
):
    folder = str(data_root / "digits")
    arguments = ["replicas", "--model", "mlp", "--data-folder", folder, "--json"]
    assert main([*arguments, "--replicas", "1", "2", "--steps", "60"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["strategy"], each["replicas"]) for each in found] == [
        (strategy, replicas) for strategy in REPLICATED for replicas in (1, 2)
    ]
    for each in found:
        assert each["rows"] == 64
        assert each["rows_per_second"] == pytest.approx(64 * each["steps_per_second"])
        assert each["steps_per_second"] > 0
        assert each["held_out"] > 0.85


def test_what_has_no_replicas_is_refused():
    with pytest.raises(TrainingError, match="choose among mirrored, central"):
        measure_speeds(["single"], [1], FitOptions())


def test_rows_that_replicas_cannot_share_are_refused():
    with pytest.raises(TrainingError, match="64 rows cannot be shared by 3 replicas"):
        measure_speeds(["mirrored"], [1, 3], FitOptions(batch_size=64))
