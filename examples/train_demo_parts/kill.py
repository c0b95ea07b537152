# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` of a member of a cluster, in the middle of its training."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PAUSE_SECONDS = 0.05


@dataclass
class Kill:
    """A kill that is planned, or done.

    Attributes:
        member: Who dies, as ``ps 0``.
        step: The checkpoint that has to be there before; once done, the last one that
            was there.
        pid: Of the process that was killed; None before.
        seconds: When, since 1970.
    """

    member: str
    step: int
    pid: int | None = None
    seconds: float = 0.0


@contextmanager
def killing(kill: Kill, run_folder: Path) -> Iterator[None]:
    """Waits for the kill's moment while the block runs, in a thread of its own.

    Args:
        kill: Is filled in, once it is done.
        run_folder: What ``fit --run-folder`` names: ``members.json`` in it has the
            processes, and ``steps.jsonl`` has the steps, once a checkpoint has them.
    """
    over = threading.Event()

    def wait_and_kill() -> None:
        while not over.wait(_PAUSE_SECONDS):
            points = read_steps(run_folder)
            if points and points[-1]["step"] >= kill.step:
                kill.step = int(points[-1]["step"])
                _kill(kill, run_folder)
                return

    thread = threading.Thread(target=wait_and_kill, name="kill")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _kill(kill: Kill, run_folder: Path) -> None:
    members = json.loads((run_folder / "members.json").read_text())
    pid = members[kill.member]["pid"]
    print(f"  $ kill -9 {pid}  # {kill.member}, after step {kill.step}", flush=True)
    os.kill(pid, signal.SIGKILL)
    kill.seconds = time.time()
    kill.pid = pid


def read_steps(run_folder: Path) -> list[dict[str, float]]:
    """The steps of a run: ``step``, ``seconds`` since 1970, ``loss``, ``staleness``.

    A last line that is not whole yet is left out.
    """
    path = run_folder / "steps.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if "\n" in line]
