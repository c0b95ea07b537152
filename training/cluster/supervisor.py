# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps the members of a cluster running until training is done.

On Kubernetes the manifests say the same: a restart policy, and an exit code that is not
0 when a member gives up.
"""

from __future__ import annotations

import multiprocessing.connection
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from training.cluster.config import Task
from training.cluster.diary import Diary
from training.cluster.member import LOST_PEER, Job, Member, start
from training.errors import ClusterError

APART = "evaluator"
"""The job that takes no part in steps: it starts again alone."""

MAX_RESTARTS = 20
"""How many members may end before their time."""

_PAUSE_SECONDS = 0.5


class Supervisor:
    """Starts members, and starts again those that were killed or gave up.

    Use it as a context manager: nothing runs any more when the block is left. One
    thread uses it.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        folder: Path,
        *,
        until: Sequence[Task],
        together: bool,
        max_restarts: int = MAX_RESTARTS,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Starts nothing yet.

        Args:
            jobs: All members.
            folder: For ``members.json`` and ``events.jsonl``.
            until: The members that decide: training is done when all of them are.
            together: Whether all but evaluators start again when one has to, since
                what they do is one computation; else that one alone.
            max_restarts: How many members may end before their time, in all.
            say: Told what happens, in a line each.
        """
        self._jobs = {job.cluster.task: job for job in jobs}
        self._until = tuple(until)
        self._together = together
        self._max_restarts = max_restarts
        self._say = say
        self._diary = Diary(folder)
        self._members: dict[Task, Member] = {}
        self._done: set[Task] = set()
        self.restarts = 0

    def __enter__(self) -> Supervisor:
        """Starts all members."""
        try:
            for task in self._jobs:
                self._start(task)
        except BaseException:
            self._end_all()
            raise
        return self

    def __exit__(self, *raised: Any) -> None:
        """Ends what still runs."""
        self._end_all()

    def pid(self, task: Task) -> int:
        """Of the process that a member is now."""
        return self._members[task].pid

    def run(self, *, each: Callable[[], None] = lambda: None) -> None:
        """Returns when training is done.

        Args:
            each: Called about twice a second.

        Raises:
            ClusterError: A member failed by itself; or too many had to start again.
        """
        while not self._done.issuperset(self._until):
            self.step()
            each()

    def step(self) -> None:
        """Waits a moment, and deals with the members that have ended."""
        running = [
            m for m in self._members.values() if m.job.cluster.task not in self._done
        ]
        multiprocessing.connection.wait(
            [member.sentinel for member in running], _PAUSE_SECONDS
        )
        ended = [member for member in running if member.exit_code is not None]
        for member in ended:
            self._note_end(member)
        lost = [m.job.cluster.task for m in ended if m.exit_code != 0]
        apart = [task for task in lost if task.job == APART]
        if self._together and len(apart) < len(lost):
            self._start_again([task for task in self._jobs if task.job != APART])
            lost = apart
        if lost:
            self._start_again(lost)

    def _note_end(self, member: Member) -> None:
        self._diary.note(member, member.ended())
        code = member.exit_code
        if code == 0:
            self._done.add(member.job.cluster.task)
            return
        self._say(f"{member.job.name} (process {member.pid}) {member.ended()}")
        if code is not None and code > 0 and code != LOST_PEER:
            said = member.last_words().removeprefix("training: ")
            raise ClusterError(f"{said or member.ended()} (log: {member.job.log})")
        self.restarts += 1
        if self.restarts > self._max_restarts:
            raise ClusterError(
                f"{self.restarts} members had to start again, the last one being "
                f"{member.job.name}, {member.ended()}: see {member.job.log}, and run "
                "the same command again to go on from the last checkpoint"
            )

    def _start_again(self, tasks: list[Task]) -> None:
        for task in tasks:
            member = self._members[task]
            if member.exit_code is None:
                member.kill()
                self._diary.note(member, "ended, to start again with the others")
            self._done.discard(task)
        for task in tasks:
            self._start(task)
        who = f"{', '.join(map(str, tasks))} start{'s' if len(tasks) == 1 else ''}"
        self._say(f"{who} again")

    def _start(self, task: Task) -> None:
        member = start(self._jobs[task])
        self._members[task] = member
        self._diary.note(member, "started")
        self._diary.show(self._members.values())

    def _end_all(self) -> None:
        for member in self._members.values():
            if member.exit_code is None:
                member.kill()
                self._diary.note(member, "ended")
        self._diary.show(self._members.values())
