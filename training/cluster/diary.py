# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What happened to the members of a cluster, for people and programs.

``members.json`` has the process of each member now, so that one can be looked at or
killed; ``events.jsonl`` has a line for each start and each end.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from training.cluster.member import Member
from training.errors import ClusterError
from training.files import add_lines, read_lines

MEMBERS = "members.json"
EVENTS = "events.jsonl"


@dataclass(frozen=True)
class Event:
    """A start or an end of a process.

    Attributes:
        seconds: Since 1970.
        member: ``worker 0``.
        what: ``started``, ``done``, ``killed by SIGKILL`` and the like.
        pid: Of the process.
    """

    seconds: float
    member: str
    what: str
    pid: int


class Diary:
    """Writes both files into a folder. One thread uses it."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder, and begins an empty list of events.

        Raises:
            ClusterError: It cannot be written.
        """
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / EVENTS).write_text("")
        except OSError as error:
            raise ClusterError(
                f"{folder} cannot be written ({error.strerror}): choose another folder "
                "with --run-folder"
            ) from error

    def note(self, member: Member, what: str) -> None:
        """Adds a line to the events."""
        event = Event(time.time(), member.job.name, what, member.pid)
        add_lines(self.folder / EVENTS, [asdict(event)])

    def show(self, members: Iterable[Member]) -> None:
        """Writes who runs now; readers see the old file or the new one."""
        content = {
            member.job.name: {
                "pid": member.pid,
                "address": member.job.cluster.address,
                "log": str(member.job.log),
            }
            for member in members
            if member.exit_code is None
        }
        partial = self.folder / f"{MEMBERS}.partial"
        partial.write_text(json.dumps(content, indent=1) + "\n")
        os.replace(partial, self.folder / MEMBERS)


def read_events(folder: Path) -> list[Event]:
    """The events of a run, in their order."""
    return [Event(**known) for known in read_lines(folder / EVENTS)]
