# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Strategies side by side: what is measured, and drawn."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.cluster.clusters import only_all
from training.cli.main import main
from training.cluster.curve import Curve, Point, read_curve
from training.compare.measure import MARK, Compared, forget, smooth, strategy_of
from training.compare.plot import plot
from training.compare.slow import slowed
from training.errors import TrainingError
from training.files import held

ROOT = Path(__file__).parents[3]


def compared(staleness: int) -> Compared:
    points = tuple(
        Point(step, 100.0 + step / 10, 2.0 / step, staleness * (step % 2))
        for step in range(1, 41)
    )
    return Compared("ps-async", 0.97, points, rows=32, setup_seconds=2.5)


def test_figures_follow_from_the_steps():
    figures = compared(3).to_json()
    assert figures["steps"] == 40
    assert figures["seconds"] == pytest.approx(3.9)
    assert figures["steps_per_second"] == pytest.approx(10.0)
    assert figures["rows_per_second"] == pytest.approx(320.0)
    assert figures["mean_staleness"] == pytest.approx(1.5)
    assert figures["greatest_staleness"] == 3
    assert "staleness 1.50 on average, 3 at most" in compared(3).summary()


def test_steps_that_the_chief_did_not_see_are_counted():
    found = compared(0)
    some = replace(found, points=found.points[1:2] + found.points[4:])
    assert some.to_json()["steps"] == 40
    assert some.steps_per_second == pytest.approx(10.0)


def test_a_mean_of_the_last_values_follows_them():
    assert smooth([4.0, 2.0, 0.0, 2.0], 2) == [4.0, 3.0, 1.0, 1.0]
    assert smooth([]) == []


def test_the_picture_is_a_png(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "new" / "picture.png"
    plot([compared(0), compared(2)], path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [each.name for each in path.parent.iterdir()] == ["picture.png"]


def test_a_picture_that_cannot_be_written_is_said(tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="--plot"):
        plot([compared(0)], tmp_path / "file" / "picture.png")


def test_a_curve_is_read_as_it_was_written(tmp_path):
    curve = Curve(tmp_path)
    curve.add(Point(1, 5.0, 2.5), Point(2, 6.0, 2.25, 1))
    curve.flush()
    curve.flush()
    assert read_curve(tmp_path) == [Point(1, 5.0, 2.5), Point(2, 6.0, 2.25, 1)]


def test_names_are_those_of_strategies_with_a_cluster():
    assert strategy_of("sync") == "multi-worker"
    assert strategy_of("async") == strategy_of("ps-async") == "ps-async"
    with pytest.raises(TrainingError, match="choose among sync, async"):
        strategy_of("single")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["single"], "'single' cannot be compared"),
        (["sync", "--plot", "a.svg"], "--plot writes a PNG"),
        (["sync", "--strategy", "ps-sync"], "does not take --strategy"),
        (["sync", "--epochs", "2"], "does not take --epochs"),
        (["sync", "--output", "a"], "does not take --output"),
        (["sync", "--overwrite"], "does not take --overwrite"),
        (["sync", "--evaluator"], "does not take --evaluator"),
        (["sync", "--checkpoints", "a"], "does not take --checkpoints"),
        (["sync", "--checkpoint-steps", "9"], "does not take --checkpoint-steps"),
        (["sync", "--logs", "a"], "does not take --logs"),
        (["sync", "--look", "graph"], "does not take --look"),
        (["sync", "--profile", "1-2"], "does not take --profile"),
        (["sync", "--debug", "dump"], "does not take --debug"),
    ],
)
def test_the_command_says_what_it_does_not_take(capsys, arguments, said):
    assert main(["compare", *arguments]) == 1
    assert said in capsys.readouterr().err


def test_a_comparison_replaces_comparisons_alone(tmp_path):
    folder = tmp_path / "multi-worker"
    forget(folder)
    (folder / MARK).touch()
    (folder / "steps.jsonl").write_text("old\n")
    with held(folder, "--run-folder"):
        with pytest.raises(TrainingError, match="is used by another run"):
            forget(folder)
        assert (folder / "steps.jsonl").exists()
    forget(folder)
    assert not list(folder.iterdir())
    (folder / "steps.jsonl").write_text("of a training\n")
    with pytest.raises(TrainingError, match="not those of a comparison"):
        forget(folder)
    assert (folder / "steps.jsonl").read_text() == "of a training\n"


def test_a_slow_worker_does_less_in_the_same_time(tmp_path):
    program = "import time\nn = 0\nwhile True:\n    n += 1\n    time.sleep(0.001)\n"
    program += "    if n % 10 == 0: print(n, flush=True)\n"

    def count(stopped: float) -> int:
        with subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            with slowed(process.pid, stopped):
                try:
                    process.wait(2)
                except subprocess.TimeoutExpired:
                    process.kill()
            return int(process.stdout.read().split()[-1])

    assert count(0.3) < count(0.0) / 2


@only_all
@pytest.mark.slow
def test_asynchronous_steps_do_not_wait_for_a_slow_worker(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "training", "compare", "sync", "async", "--json"),
            *("--model", "mlp", "--steps", "60", "--slow-worker", "200"),
            *("--plot", str(tmp_path / "both.png"), "--run-folder", str(tmp_path)),
            *("--learning-rate", "0.003", "--workers", "2"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    sync, stale = json.loads(done.stdout)
    assert sync["greatest_staleness"] == 0
    assert stale["steps_per_second"] > sync["steps_per_second"]
    assert (tmp_path / "both.png").exists()
