# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A chief that dies while it writes a checkpoint: that one is whole, or absent."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.cluster.clusters import digits, latest_step, only_all
from tests.training.cluster.jobs import step_of
from training.checkpoints import remove_partial
from training.cluster.launch import read_result, running
from training.data import open_data
from training.strategies import STRATEGIES

pytestmark = pytest.mark.slow

STEPS = 80


@pytest.mark.parametrize(
    ("strategy", "chief"),
    [
        pytest.param("multi-worker", "worker-0", marks=only_all),
        pytest.param("ps-async", "chief-0", marks=only_all),
        pytest.param("ps-sync", "worker-0", marks=only_all),
    ],
)
def test_a_checkpoint_is_whole_or_absent_when_its_writer_is_killed(
    tmp_path, strategy, chief
):
    data = tmp_path / "data"
    open_data("digits", data)
    folder = tmp_path / "run"
    options = digits(
        strategy, folder, data, steps=STEPS, workers=1, checkpoint_steps=10
    )
    plan = replace(
        importlib.import_module(STRATEGIES[strategy]).plan(options),
        target="tests.training.cluster.jobs:die_while_saving",
    )
    with running(options, plan) as (supervisor, _):
        supervisor.run()
        assert supervisor.restarts == 1
    died = json.loads((folder / "died").read_text())
    log = (folder / f"{chief}.log").read_text()
    # It went on from the one before, not from files that nobody had named.
    assert f"begins at step {died['named']} of {STEPS}" in log
    assert died["files"]
    fitted = read_result(folder)
    assert (fitted.first_step, fitted.steps) == (died["named"], STEPS)
    assert fitted.held_out > 0.9
    left = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert latest_step(folder / "checkpoints") == STEPS
    assert not [name for name in left if "temp" in name]
    steps = {step_of(name) for name in left} - {0}
    assert steps <= {STEPS - 20, STEPS - 10, STEPS, *_of(died)}


def _of(died: dict[str, object]) -> set[int]:
    files = died["files"]
    assert isinstance(files, list)
    return set(map(step_of, files))


def test_what_was_half_written_is_removed_and_nothing_else(tmp_path):
    whole = ["checkpoint", "ckpt-10.index", "ckpt-10.data-00000-of-00001"]
    half = [
        "ckpt-20.data-00000-of-00001.tempstate123",
        "model.ckpt-20.index.tempstate9",
    ]
    for name in whole + half:
        (tmp_path / name).touch()
    (tmp_path / "ckpt-20_temp").mkdir()
    (tmp_path / "ckpt-20_temp" / "part-00000-of-00002.index").touch()
    remove_partial(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(whole)


def test_the_step_of_a_name():
    assert step_of("ckpt-40_temp") == step_of("ckpt-40.index") == 40
    assert step_of("checkpoint") == latest_step(Path("/nowhere")) == 0
