# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of ``make train-demo``, and its story with trainings that only say they ran."""

from __future__ import annotations

import dataclasses
import importlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from training.cli.main import make_parser
from training.options import Fitted

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FITTED = Fitted(
    model=None,
    metric="accuracy",
    held_out=0.9861,
    rows=360,
    steps=264,
    first_step=132,
    seconds=6.6,
)


@pytest.fixture
def part(monkeypatch):
    """Imports a part of the demonstration as it does itself."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return lambda name: importlib.import_module(f"train_demo_parts.{name}")


def said(fitted: Fitted, *begins: int) -> list[str]:
    """What ``fit`` prints."""
    return [f"begins at step {b} of 264" for b in begins] + (
        fitted.summary().splitlines()
    )


def test_what_a_training_says_is_read(part):
    fit = part("fitting").Fit.read("ps-async", said(FITTED, 0, 132))
    assert fit.steps == 264
    assert fit.steps_per_second == pytest.approx(20)
    assert fit.accuracy == pytest.approx(FITTED.held_out)
    assert fit.begins == (0, 132)
    with pytest.raises(part("command").FailedError, match="no summary"):
        part("fitting").Fit.read("single", ["Epoch 1/6"])


def test_commands_that_fail_are_told_with_their_last_words(part, capfd):
    command = part("command")
    script = "print('I0000 00:00:1 no GPU'); print('gone')"
    assert command.show(sys.executable, "-c", script) == ["gone"]
    assert capfd.readouterr().out.endswith("\n  gone\n")
    for run in (command.show, command.ask):
        with pytest.raises(command.FailedError, match=r"ended with 3, and said: bad"):
            run(
                *(sys.executable, "-c"),
                "import sys; print('bad', file=sys.stderr); raise SystemExit(3)",
            )
    assert command.ask(sys.executable, "-c", "print('so:'); print('[1]')") == [1]


def test_a_member_is_killed_once_its_step_is_there(part, tmp_path):
    module = part("kill")
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (tmp_path / "members.json").write_text(json.dumps({"ps 0": {"pid": victim.pid}}))
    steps = tmp_path / "steps.jsonl"
    kill = module.Kill("ps 0", 40)
    with victim, module.killing(kill, tmp_path):
        steps.write_text('{"step": 22}\n{"step": 44')
        with pytest.raises(subprocess.TimeoutExpired):
            victim.wait(0.3)
        steps.write_text('{"step": 22}\n{"step": 44}\n')
        assert victim.wait(30) == -9
    assert (kill.step, kill.pid) == (44, victim.pid)


def test_a_kill_is_no_kill_if_training_is_done_before(part, tmp_path):
    module = part("kill")
    before = threading.active_count()
    kill = module.Kill("ps 0", 40)
    with module.killing(kill, tmp_path):
        pass
    assert kill.pid is None
    assert threading.active_count() == before


def test_losses_are_drawn(part, tmp_path):
    for number, name in enumerate(("multi-worker", "ps-async")):
        (tmp_path / name).mkdir()
        points = [
            {"step": step, "seconds": 100.0 * number + step, "loss": 1 / step}
            for step in range(1, 30)
        ]
        lines = [json.dumps(point) + "\n" for point in points]
        (tmp_path / name / "steps.jsonl").write_text("".join(lines))
    runs = {name: tmp_path / name for name in ("multi-worker", "ps-async")}
    kill = part("kill").Kill("ps 0", 20, 1, 120.0)
    picture = tmp_path / "new" / "losses.png"
    part("losses").draw(runs, "ps-async", kill, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


class Story:
    """``train_demo`` with nothing that takes long, and what it asked for."""

    def __init__(self, demo: ModuleType, root: Path, monkeypatch: Any) -> None:
        self.commands: list[list[str]] = []
        self.fitted = FITTED
        self.begins = (0, 132)
        self.pid: int | None = 1
        self.compiled = 0.9861
        self.served = 0.9861
        self.pictures = True
        self.demo = demo
        monkeypatch.setattr(demo, "ROOT", root)
        for name in ("show", "ask", "killing", "draw", "served_accuracy"):
            monkeypatch.setattr(demo, name, getattr(self, name))

    def show(self, *command: str) -> list[str]:
        self.commands.append([*command][3:])
        for option in ("--plot", "--output"):
            if command[3] != "fit" and option in command:
                self.draw(self.demo.ROOT / command[command.index(option) + 1])
        return said(self.fitted, *self.begins)

    def ask(self, *command: str) -> dict[str, float]:
        self.commands.append([*command][3:])
        accuracy = {"compiled": self.compiled, "tensorflow": 0.9861}
        return {**accuracy, "largest_difference": 1e-7}

    def killing(self, kill: Any, folder: Path) -> Any:
        kill.pid = self.pid
        return np.errstate()  # A block that does nothing.

    def draw(self, *arguments: Any) -> None:
        arguments[-1].parent.mkdir(parents=True, exist_ok=True)
        arguments[-1].write_text("a picture" if self.pictures else "")

    def served_accuracy(self, artifact: Path, held_out: Path) -> float:
        return self.served


@pytest.fixture
def story(part, tmp_path, monkeypatch) -> Story:
    part("command")
    return Story(importlib.import_module("train_demo"), tmp_path, monkeypatch)


def test_the_story_ends_with_what_came_of_it(story, capsys):
    assert story.demo.main() == 0
    for command in story.commands:
        make_parser().parse_args(command)
    names = [command[command.index("--strategy") + 1] for command in story.commands[:3]]
    assert names == ["single", "multi-worker", "ps-async"]
    out = capsys.readouterr().out
    assert "went on from 132" in out
    for strategy in names:
        assert f"\n{strategy} " in out
    assert "timeline.json" in out


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (
            {"fitted": dataclasses.replace(FITTED, held_out=0.9)},
            "90.0% of the held-out",
        ),
        ({"pid": None}, "done before anybody was killed"),
        ({"begins": (0,)}, "did not begin again"),
        ({"begins": (0, 110)}, "went on from step 110"),
        ({"pictures": False}, "is empty"),
        ({"compiled": 0.98}, "not as accurate when it is compiled"),
        ({"served": 0.98}, "the server has 0.9800"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_is_wrong_ends_it_with_1(story, capsys, wrong, why):
    for name, value in wrong.items():
        setattr(story, name, value)
    assert story.demo.main() == 1
    assert why in capsys.readouterr().err
