# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Commands that start processes refuse first what each of them would refuse."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from training.cli.main import main

REFUSED = {
    "replicas --model two_tower": "the model two_tower does not fit the data digits",
    "replicas --batch-size 2048": "2048 rows is more than the 1437 rows of digits",
    "replicas --batch-size 1000 --rows-of-replica --replicas 1 2": "a batch of 2000",
    "jit --model two_tower": "the model two_tower does not fit the data digits",
    "jit --batch-size 2048": "2048 rows is more than the 1437 rows of digits",
    "feed --batch-size 1 2048": "2048 rows is more than the 1437 rows of digits",
    "compare sync async --model two_tower": "the model two_tower does not fit",
    "compare async sync --workers 3 --batch-size 999": "a batch of 2997 rows is more",
    "compare sync async --batch-norm synchronized": "ps-async does not take --batch-n",
    "compare sync multi-worker": "multi-worker is named twice",
    "compare sync async --jit on": "ps-async does not take --jit",
    "compare sync async --replicas 2": "multi-worker does not take --replicas",
    "compare sync ps-sync --precision mixed_float16": "does not scale losses",
    "compare sync --evaluator-seconds 3": "does not take --evaluator-seconds",
}


@pytest.mark.slow
@pytest.mark.parametrize("command", REFUSED)
def test_what_none_of_the_processes_could_do_starts_none(
    command: str,
    data_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def started(*_: Any, **__: Any) -> None:
        pytest.fail("a process was started")

    monkeypatch.setattr("training.cli.feed.apart", started)
    monkeypatch.setattr("training.strategies.speed.apart", started)
    monkeypatch.setattr("training.observe.jit.subprocess.run", started)
    monkeypatch.setattr("training.compare.measure.running", started)
    monkeypatch.chdir(tmp_path)
    words = [*shlex.split(command), "--data-folder", str(data_root / "digits")]
    assert main(words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert REFUSED[command] in line
