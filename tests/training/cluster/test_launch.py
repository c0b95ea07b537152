# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What whoever starts a cluster sees of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.cluster.config import Task
from training.cluster.launch import (
    RESULT,
    Follower,
    log_name,
    read_result,
    running,
    with_folders,
    write_result,
)
from training.errors import ClusterError, TrainingError
from training.files import held
from training.fit import fit
from training.options import FitOptions, Fitted
from training.strategies.multi_worker import plan


def test_steps_of_a_log_are_repeated_once_and_in_whole_lines(tmp_path):
    log = tmp_path / log_name(Task("chief", 0))
    log.write_text("step 1 of 9: an earlier run\n")
    said: list[str] = []
    follower = Follower(log, said.append)
    follower.look()
    with log.open("a") as file:
        file.write("begins at step 0 of 9\nnoise\nstep 1 of 9: loss 2.0\nstep 2 of")
    follower.look()
    follower.look()
    assert said == ["begins at step 0 of 9", "step 1 of 9: loss 2.0"]
    with log.open("a") as file:
        file.write(" 9: loss 1.0\n")
    follower.look()
    assert said[2:] == ["step 2 of 9: loss 1.0"]


def test_a_log_may_come_later(tmp_path):
    said: list[str] = []
    follower = Follower(tmp_path / "log", said.append)
    follower.look()
    (tmp_path / "log").write_text("step 3 of 9: loss 2.0\n")
    follower.look()
    assert said == ["step 3 of 9: loss 2.0"]


def test_a_result_is_read_as_it_was_written(tmp_path):
    fitted = Fitted(
        model=None,
        metric="accuracy",
        held_out=0.5,
        rows=4,
        steps=9,
        first_step=3,
        seconds=1.5,
        history={"loss": [2.0]},
        output=tmp_path,
    )
    write_result(fitted, tmp_path)
    assert read_result(tmp_path) == fitted


@pytest.mark.parametrize("content", [None, "", "{"])
def test_a_result_that_is_not_there_is_said(tmp_path, content):
    if content is not None:
        (tmp_path / RESULT).write_text(content)
    with pytest.raises(ClusterError, match="without a result"):
        read_result(tmp_path)


def test_a_run_has_folders_of_its_own(tmp_path):
    first = with_folders(FitOptions(strategy="ps-async"))
    assert first.run_folder is not None
    assert first.checkpoints == first.run_folder / "checkpoints"
    asked = with_folders(FitOptions(run_folder=tmp_path, checkpoints=tmp_path / "c"))
    assert (asked.run_folder, asked.checkpoints) == (tmp_path, tmp_path / "c")


@pytest.mark.slow
def test_a_second_run_in_the_same_folders_is_refused(tmp_path: Path, data_root: Path):
    options = FitOptions(
        model="mlp",
        data_folder=str(data_root / "digits"),
        run_folder=tmp_path / "run",
        checkpoints=tmp_path / "checkpoints",
        steps=1,
        verbose=0,
    )
    with (
        held(tmp_path / "run", "--run-folder"),
        pytest.raises(
            TrainingError, match=r"run is used by another run .*--run-folder"
        ),
        running(options, plan(options)),
    ):
        pass
    alone = FitOptions(**{**vars(options), "run_folder": None})
    with (
        held(tmp_path / "checkpoints", "--checkpoints"),
        pytest.raises(TrainingError, match=r"checkpoints is used by .*--checkpoints"),
    ):
        fit(alone)
    assert fit(alone).steps == 1
