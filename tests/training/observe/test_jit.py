# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Training without XLA, with its clusters, and with whole steps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.training.cluster.clusters import only_all
from training.errors import TrainingError
from training.observe.jit import compare_jit, let_tensorflow_choose_clusters
from training.options import FitOptions

OPTIONS = FitOptions(model="mlp", steps=4, batch_size=16)


@pytest.mark.slow
@only_all
def test_all_of_them_train_alike_and_programs_are_drawn(tmp_path: Path) -> None:
    folder = str(tmp_path / "digits")
    options = FitOptions(model="mlp", steps=4, batch_size=16, data_folder=folder)
    off, auto, on = compare_jit(options, tmp_path / "hlo")
    assert (off.jit, auto.jit, on.jit) == ("off", "auto", "on")
    for trial in (off, auto, on):
        assert trial.loss == pytest.approx(off.loss, rel=1e-3)
        assert trial.step_ms > 0
    assert on.first_ms > off.first_ms
    assert on.fusions
    for name in on.fusions:
        assert (tmp_path / "hlo" / "fusions" / f"{name}.txt").read_text()
    before, after = ((tmp_path / "hlo" / f"{n}.txt") for n in ("before", "after"))
    assert " fusion(" in after.read_text()
    assert " fusion(" not in before.read_text()


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(TrainingError, match="no empty folder"):
        compare_jit(OPTIONS, tmp_path)


def test_a_training_that_fails_tells_its_last_line(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    options = FitOptions(model="mlp", steps=4, data_folder=str(tmp_path))
    with pytest.raises(TrainingError, match=r"--jit off failed: .* has files, but no"):
        compare_jit(options)


@pytest.mark.parametrize("steps", [1, 2])
def test_steps_that_are_all_traced_are_not_measured(steps: int) -> None:
    with pytest.raises(TrainingError, match="choose --steps 3 at least"):
        compare_jit(FitOptions(model="mlp", steps=steps))


def test_clusters_need_a_flag_before_tensorflow_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    with pytest.raises(TrainingError, match="TF_XLA_FLAGS=--tf_xla_cpu_global_jit"):
        let_tensorflow_choose_clusters()
