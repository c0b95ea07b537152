# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Clusters that lose members while they train, as tests want them."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from training.cluster.curve import Point, read_curve
from training.cluster.diary import MEMBERS, Event, read_events
from training.cluster.launch import read_result, running
from training.options import FitOptions, Fitted
from training.strategies import STRATEGIES

ALL = bool(os.environ.get("TFNATIVE_ALL_CLUSTERS"))

only_all = pytest.mark.skipif(
    not ALL, reason="takes minutes: make test-training, or TFNATIVE_ALL_CLUSTERS=1"
)

EVERYBODY = "everybody"


@dataclass(frozen=True)
class Kill:
    """Who is killed, once there is a checkpoint of this step or a later one."""

    who: str
    step: int


@dataclass
class Ran:
    """What came of a run.

    Attributes:
        folder: Of the run.
        fitted: What the chief left.
        killed_at: The step of the last checkpoint, for each kill.
        running: Processes of the members before each kill, by name.
        said: What the supervisor told.
    """

    folder: Path
    fitted: Fitted | None = None
    killed_at: list[int] = field(default_factory=list)
    running: list[dict[str, int]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def events(self) -> list[Event]:
        return read_events(self.folder)

    @property
    def curve(self) -> list[Point]:
        return read_curve(self.folder)

    def begins(self, chief: str) -> list[int]:
        """The step at which each process of the chief began."""
        log = (self.folder / f"{chief.replace(' ', '-')}.log").read_text()
        return [
            int(step) for step in re.findall(r"^begins at step (\d+) of", log, re.M)
        ]

    def starts(self, member: str) -> int:
        """How often a member was started."""
        return sum(
            event.member == member and event.what == "started" for event in self.events
        )


def latest_step(checkpoints: Path) -> int:
    """The step of the last whole checkpoint, or 0; without TensorFlow."""
    try:
        text = (checkpoints / "checkpoint").read_text()
    except OSError:
        return 0
    found = re.match(r'model_checkpoint_path: ".*ckpt-(\d+)"', text)
    return int(found[1]) if found else 0


def digits(strategy: str, folder: Path, data: Path, **changes: Any) -> FitOptions:
    """A small network that learns the digits in a few hundred small steps."""
    options: dict[str, Any] = {
        "model": "mlp",
        "data": "digits",
        "strategy": strategy,
        "data_folder": str(data),
        "batch_size": 32,
        "learning_rate": 3e-3,
        "checkpoint_steps": 20,
        "run_folder": folder,
        "verbose": 2,
        **changes,
    }
    return FitOptions(**options)


def train(options: FitOptions, kills: Sequence[Kill] = ()) -> Ran:
    """Trains in a cluster here, and kills members on the way."""
    assert options.run_folder is not None
    ran = Ran(options.run_folder)
    checkpoints = options.checkpoints or options.run_folder / "checkpoints"
    left = list(kills)

    def kill_if_due() -> None:
        step = latest_step(checkpoints)
        if not left or step < left[0].step:
            return
        members = json.loads((ran.folder / MEMBERS).read_text())
        pids = {name: member["pid"] for name, member in members.items()}
        who = left.pop(0).who
        ran.running.append(pids)
        ran.killed_at.append(step)
        for name in pids if who == EVERYBODY else [who]:
            os.kill(pids[name], signal.SIGKILL)

    module = importlib.import_module(STRATEGIES[options.strategy])
    with running(options, module.plan(options), say=ran.said.append) as (supervisor, _):
        supervisor.run(each=kill_if_due)
    assert not left, f"training ended before {left}"
    ran.fitted = read_result(ran.folder)
    return ran


def steps_back(curve: Sequence[Point]) -> int:
    """How many steps were done again, at most, after one of the curve."""
    most, back = 0, 0
    for point in curve:
        back = max(back, most - point.step + 1)
        most = max(most, point.step)
    return back
