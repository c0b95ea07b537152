# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An evaluator does not wait for ever, and evaluates no checkpoint of another model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from training.checkpoints import OF
from training.cluster.config import VARIABLE, Task
from training.cluster.evaluator import Waiting, evaluate
from training.cluster.launch import Plan, _jobs
from training.errors import CheckpointError, ClusterError, TrainingError
from training.options import FitOptions
from training.strategies import check_options


@pytest.fixture
def options(data_root: Path, tmp_path: Path) -> FitOptions:
    return FitOptions(
        model="mlp",
        data="diabetes",
        data_folder=str(data_root / "diabetes"),
        strategy="multi-worker",
        steps=5,
        checkpoints=tmp_path / "checkpoints",
        evaluator_seconds=0.2,
    )


@pytest.mark.slow
@pytest.mark.parametrize("there", [True, False], ids=["empty", "no folder"])
def test_an_evaluator_without_checkpoints_says_where_it_looked(
    options: FitOptions, there: bool
):
    assert options.checkpoints is not None
    if there:
        options.checkpoints.mkdir()
    with pytest.raises(ClusterError, match=r"waited \d+ seconds .* in ") as raised:
        evaluate(options)
    assert str(options.checkpoints) in str(raised.value)
    assert "--evaluator-seconds" in str(raised.value)
    assert options.checkpoints.exists() == there


@pytest.mark.slow
def test_checkpoints_of_another_model_are_not_evaluated(options: FitOptions):
    folder = options.checkpoints
    assert folder is not None
    folder.mkdir()
    (folder / OF).write_text('{"model": "wide_deep", "data": "diabetes"}')
    (folder / "checkpoint").write_text('model_checkpoint_path: "ckpt-1"')
    (folder / "ckpt-1.index").touch()
    (folder / "ckpt-1.data-00000-of-00001").touch()
    with pytest.raises(CheckpointError, match="are of model wide_deep, not of model"):
        evaluate(replace(options, evaluator_seconds=20.0))


@pytest.mark.slow
@pytest.mark.parametrize("index", [b"", b"no table" * 20], ids=["empty", "other"])
def test_a_checkpoint_that_cannot_be_read_is_not_waited_for_for_ever(
    options: FitOptions, index: bytes, monkeypatch: pytest.MonkeyPatch
):
    module = "tf_keras.src.utils.sidecar_evaluator._CHECKPOINT_TIMEOUT_SEC"
    monkeypatch.setattr(module, 0.3)
    folder = options.checkpoints
    assert folder is not None
    folder.mkdir()
    (folder / "checkpoint").write_text('model_checkpoint_path: "ckpt-1"')
    (folder / "ckpt-1.index").write_bytes(index)
    (folder / "ckpt-1.data-00000-of-00001").touch()
    with pytest.raises(ClusterError, match="none that it can read"):
        evaluate(replace(options, evaluator_seconds=1.0))


def test_it_waits_for_each_checkpoint_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    now = [100.0]
    monkeypatch.setattr("training.cluster.evaluator.time.monotonic", lambda: now[0])
    waiting = Waiting(tmp_path, 60)
    now[0] = 150
    waiting.evaluated(7)
    now[0] = 205
    waiting.check()
    now[0] = 211
    with pytest.raises(ClusterError, match=r"waited 61 seconds .*after that of step 7"):
        waiting.check()


def test_one_that_is_started_with_its_cluster_waits_as_long_as_that(
    options: FitOptions, tmp_path: Path
):
    plan = Plan({"worker": 2}, until=(Task("worker", 0),), together=True)
    asked = replace(options, evaluator=True, evaluator_seconds=None)
    jobs = _jobs(asked, plan, [1, 2], tmp_path)
    seconds = [job.arguments[0].evaluator_seconds for job in jobs]
    assert seconds == [None, None, float("inf")]
    jobs = _jobs(replace(asked, evaluator_seconds=5.0), plan, [1, 2], tmp_path)
    assert jobs[-1].arguments[0].evaluator_seconds == 5.0


def test_an_evaluator_that_there_is_not_waits_for_nothing(
    options: FitOptions, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(TrainingError, match="add --evaluator, or leave it out"):
        check_options(options)
    check_options(replace(options, evaluator=True))
    with pytest.raises(TrainingError, match="single does not take --evaluator-sec"):
        check_options(replace(options, strategy="single"))
