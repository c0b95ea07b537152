# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What members do in tests of those who start and watch them."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from pathlib import Path

from tests.training.cluster.clusters import latest_step
from training.cluster.common import is_chief
from training.cluster.config import from_environment
from training.cluster.member import LOST_PEER
from training.errors import ClusterError
from training.fit import run_member
from training.options import FitOptions


def sleep(folder: Path) -> int:
    """Runs until it is killed."""
    note(folder)
    time.sleep(600)
    return 0


def end_when_told(folder: Path) -> int:
    """Is done as soon as there is a file ``done``."""
    note(folder)
    while not (folder / "done").exists():
        time.sleep(0.02)
    return 0


def fail(folder: Path) -> int:
    """Has something to say of what is wrong."""
    note(folder)
    raise ClusterError("the data is gone: bring it back")


def crash(folder: Path) -> int:
    """Does what a bug does."""
    note(folder)
    raise RuntimeError("a bug")


def give_up(folder: Path) -> int:
    """Misses another member each time."""
    note(folder)
    return LOST_PEER


def die_while_saving(options: FitOptions) -> int:
    """Trains; a chief kills itself once, while its second checkpoint is written."""
    assert options.checkpoints is not None
    assert options.run_folder is not None
    cluster = from_environment()
    assert cluster is not None
    if is_chief(cluster):
        where = (options.checkpoints, options.run_folder / "died")
        threading.Thread(target=_die_at_sight, args=where, daemon=True).start()
    return run_member(options)


def _die_at_sight(folder: Path, died: Path) -> None:
    while not died.exists():
        named = latest_step(folder)
        if not named:
            time.sleep(0.001)
            continue
        files = os.listdir(folder)
        new = [name for name in files if step_of(name) > named]
        if new and latest_step(folder) == named:
            died.write_text(json.dumps({"named": named, "files": new}))
            os.kill(os.getpid(), signal.SIGKILL)


def step_of(name: str) -> int:
    """The step in the name of a checkpoint's file, or 0."""
    found = re.search(r"ckpt-(\d+)", name)
    return int(found[1]) if found else 0


def note(folder: Path) -> None:
    """Leaves a line for each start of the member."""
    cluster = from_environment()
    assert cluster is not None
    with (folder / f"{cluster.task}.starts").open("a") as file:
        file.write(f"{os.getpid()}\n")
