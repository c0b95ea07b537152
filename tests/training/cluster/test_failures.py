# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Members are killed in the middle of training, in each of their roles.

What has to hold: training ends with the accuracy that it has without; it goes on from
the last checkpoint; and nobody starts again who need not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.cluster.clusters import (
    EVERYBODY,
    Kill,
    Ran,
    digits,
    only_all,
    steps_back,
    train,
)
from training.cluster.evaluator import read_evaluations
from training.data import open_data

pytestmark = pytest.mark.slow

ACCURACY = 0.93
EVERY = 20
SLACK = 8  # Steps that are done while a kill is on its way, or that are done twice.
CHIEFS = {"multi-worker": "worker 0", "ps-async": "chief 0", "ps-sync": "worker 0"}
STEPS = {"multi-worker": 100, "ps-async": 240, "ps-sync": 180}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("data") / "digits"
    open_data("digits", folder)
    return folder


def check(ran: Ran, strategy: str, steps: int) -> None:
    """What has to hold, whoever was killed."""
    fitted = ran.fitted
    assert fitted is not None
    assert fitted.held_out > ACCURACY
    assert steps <= fitted.steps <= steps + SLACK
    # Untrained, ten classes are equally likely.
    assert 1.8 < ran.curve[0].loss < 3.5
    assert ran.curve[-1].loss < 0.6
    # A chief that starts again begins with the last checkpoint.
    begins = ran.begins(CHIEFS[strategy])
    assert begins[0] == 0
    assert fitted.first_step == begins[-1]
    assert all(begin % EVERY <= SLACK for begin in begins)
    assert steps_back(ran.curve) <= EVERY + SLACK


@pytest.mark.parametrize(
    "later",
    [
        pytest.param([], id="members"),
        pytest.param(
            [Kill("chief 0", 5 * EVERY), Kill(EVERYBODY, 7 * EVERY)],
            marks=only_all,
            id="all",
        ),
    ],
)
def test_parameter_servers_go_on_whoever_dies(tmp_path, data, later):
    kills = [Kill("worker 1", EVERY), Kill("ps 0", 3 * EVERY), *later]
    all_died = sum(kill.who == EVERYBODY for kill in later)
    steps = STEPS["ps-async"]
    options = digits(
        "ps-async",
        tmp_path / "run",
        data,
        steps=steps,
        evaluator=True,
        logs=tmp_path / "logs",
        output=tmp_path / "saved_model",
    )
    ran = train(options, kills)
    check(ran, "ps-async", steps)
    # A worker's death starts that one alone; a server's starts the chief, too.
    assert ran.starts("worker 0") == 1 + all_died
    assert ran.starts("worker 1") == ran.starts("ps 0") == 2 + all_died
    chiefs = 2 + len(later)  # One more, if it notices that all others are gone.
    assert chiefs <= ran.starts("chief 0") <= chiefs + all_died
    assert "gave up" in " ".join(ran.said)
    begins = ran.begins("chief 0")
    for begin, killed_at in zip(begins[1:], ran.killed_at[1:], strict=False):
        assert begin >= killed_at
    evaluations = read_evaluations(ran.folder)
    assert evaluations[-1]["step"] == ran.fitted.steps
    assert evaluations[-1]["accuracy"] == pytest.approx(ran.fitted.held_out, abs=1e-6)
    assert list((tmp_path / "logs" / "validation").glob("events*"))
    assert (tmp_path / "saved_model" / "saved_model.pb").exists()


def test_a_synchronous_cluster_starts_again_when_a_worker_dies(tmp_path, data):
    steps = STEPS["multi-worker"]
    options = digits("multi-worker", tmp_path / "run", data, steps=steps)
    ran = train(options, [Kill("worker 1", 2 * EVERY)])
    check(ran, "multi-worker", steps)
    assert ran.starts("worker 0") == ran.starts("worker 1") == 2
    begins = ran.begins("worker 0")
    assert ran.killed_at[0] <= begins[1]
    assert ran.begins("worker 1") == begins


@only_all
def test_synchronous_parameter_servers_go_on_whoever_dies(tmp_path, data):
    kills = [Kill("worker 1", EVERY), Kill("ps 0", 3 * EVERY)]
    kills += [Kill("worker 0", 5 * EVERY)]
    steps = STEPS["ps-sync"]
    ran = train(digits("ps-sync", tmp_path / "run", data, steps=steps), kills)
    check(ran, "ps-sync", steps)
    assert ran.starts("worker 0") == ran.starts("worker 1") == ran.starts("ps 0") == 2
    assert ran.killed_at[2] <= ran.begins("worker 0")[1]


DEATHS = [
    ("multi-worker", "worker 1"),
    ("multi-worker", "worker 0"),
    ("multi-worker", EVERYBODY),
    ("ps-async", "worker 0"),
    ("ps-async", "ps 1"),
    ("ps-async", "chief 0"),
    ("ps-async", EVERYBODY),
    ("ps-sync", "worker 1"),
    ("ps-sync", "ps 1"),
    ("ps-sync", "worker 0"),
    ("ps-sync", EVERYBODY),
]


@only_all
@pytest.mark.parametrize(("strategy", "who"), DEATHS)
def test_training_survives_each_death_alone(tmp_path, data, strategy, who):
    steps = STEPS[strategy]
    servers = None if strategy == "multi-worker" else 2
    options = digits(
        strategy, tmp_path / "run", data, steps=steps, workers=3, servers=servers
    )
    options = options.__class__(**{**options.__dict__, "batch_size": 33})
    ran = train(options, [Kill(who, 2 * EVERY)])
    check(ran, strategy, steps)


@only_all
@pytest.mark.parametrize("strategy", CHIEFS)
def test_servers_and_chiefs_that_die_again_and_again(tmp_path, data, strategy):
    who = "worker 1" if strategy == "multi-worker" else "ps 0"
    kills = [Kill(who, step) for step in range(EVERY, 5 * EVERY, EVERY)]
    steps = STEPS[strategy]
    options = digits(strategy, tmp_path / "run", data, steps=steps)
    check(train(options, kills), strategy, steps)
