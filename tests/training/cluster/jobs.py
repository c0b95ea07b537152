# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What members do in tests of those who start and watch them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from training.cluster.config import from_environment
from training.cluster.member import LOST_PEER
from training.errors import ClusterError


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


def note(folder: Path) -> None:
    """Leaves a line for each start of the member."""
    cluster = from_environment()
    assert cluster is not None
    with (folder / f"{cluster.task}.starts").open("a") as file:
        file.write(f"{os.getpid()}\n")
