# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Timelines have all members, at the times of their clocks."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.colors
import matplotlib.image
import numpy as np
import pytest

from training.errors import TrainingError
from training.observe import trace
from training.observe.charts import COLOURS, plot_traces
from training.observe.timeline import write_timeline
from training.observe.trace import STEP, Event, Thread, Trace


def member(name: str, started: float) -> Trace:
    waits = Event("IteratorGetNextOp::DoCompute", 0.012, 0.003)
    talks = Event("all:CollectiveReduceV2", 0.02, 0.005)
    short = Event("ThreadpoolListener::Record", 0.0, 1e-8)
    events = (
        short,
        Event(STEP, 0.01, 0.02, 3),
        waits,
        talks,
        Event(STEP, 0.035, 0.02, 4),
    )
    return Trace(name, started, (Thread("python", events),))


def test_each_member_is_a_process_and_clocks_place_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "timeline.json"
    count = write_timeline([member("chief", 100.0), member("worker", 100.5)], path)
    events = json.loads(path.read_text())["traceEvents"]
    named = [e["args"]["name"] for e in events if e["name"] == "process_name"]
    assert named == ["chief", "worker"]
    shown = [e for e in events if e["ph"] == "X"]
    assert len(shown) == count == 8  # Without those that nobody could see.
    steps = [e for e in shown if e["name"] == STEP]
    assert [e["args"]["step"] for e in steps] == [3, 4, 3, 4]
    assert [e["ts"] for e in steps] == [10_000.0, 35_000.0, 510_000.0, 535_000.0]
    assert {e["dur"] for e in steps} == {20_000.0}


def test_members_of_two_runs_are_told_from_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {
        tmp_path / "a" / "logs": ["logs"],
        tmp_path / "b" / "logs": ["logs"],
        tmp_path / "two": ["worker-0", "worker-1"],
        tmp_path / "three": ["worker-0", "worker-2"],
    }
    monkeypatch.setattr(
        trace, "read_traces", lambda logs: [member(name, 0.0) for name in runs[logs]]
    )
    found = [each.member for each in trace.read_all(list(runs))]
    assert found == [
        *(str(tmp_path / "a" / "logs"), str(tmp_path / "b" / "logs")),
        *(str(tmp_path / "two" / "worker-0"), "worker-1"),
        *(str(tmp_path / "three" / "worker-0"), "worker-2"),
    ]


def test_a_picture_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"steps\.xyz cannot be written"):
        plot_traces([member("slow", 0.0)], tmp_path / "steps.xyz")
    assert not list(tmp_path.iterdir())


def test_steps_are_drawn(tmp_path: Path) -> None:
    path = tmp_path / "new" / "steps.png"
    plot_traces([member("slow", 0.0), member("fast", 0.0)], path)
    picture = matplotlib.image.imread(path)[..., :3]
    rows, columns, _ = picture.shape
    steps = picture[rows // 4 :, : columns // 2]  # Without the legend and the shares.
    for kind, colour in COLOURS.items():
        difference = np.abs(steps - matplotlib.colors.to_rgb(colour)).max(axis=-1)
        assert (difference < 0.02).sum() > 50, kind
