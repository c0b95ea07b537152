# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``TF_CONFIG``: who the members of a cluster are, and which of them this process is.

    {"cluster": {"chief": ["host:port"], "worker": ["host:port", ...],
                 "ps": ["host:port", ...]},
     "task": {"type": "worker", "index": 0}}

TensorFlow reads the same variable. It takes what is wrong in it without a word, and
then waits for ever for members that cannot come.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from training.errors import ClusterError

VARIABLE = "TF_CONFIG"
JOBS = ("chief", "worker", "ps", "evaluator")

_EXAMPLE = (
    '{"cluster": {"worker": ["localhost:2222", "localhost:2223"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class Task:
    """A member of a cluster.

    Attributes:
        job: One of `JOBS`.
        index: Which one of its job, from 0.
    """

    job: str
    index: int

    def __str__(self) -> str:
        return f"{self.job} {self.index}"


@dataclass(frozen=True)
class Cluster:
    """The addresses of all members, and which of them this process is.

    Attributes:
        jobs: Addresses, ``host:port``, by job.
        task: This process.
    """

    jobs: Mapping[str, tuple[str, ...]]
    task: Task

    @property
    def workers(self) -> int:
        """How many members compute steps."""
        return len(self.jobs.get("worker", ()))

    @property
    def servers(self) -> int:
        """How many members keep variables."""
        return len(self.jobs.get("ps", ()))

    @property
    def address(self) -> str | None:
        """Of this process; None for an evaluator, which nobody asks for anything."""
        addresses = self.jobs.get(self.task.job, ())
        return addresses[self.task.index] if addresses else None

    def address_of(self, task: Task) -> str:
        """Where a member listens."""
        return self.jobs[task.job][task.index]

    def members(self) -> Iterator[Task]:
        """All that listen: the chief, workers, and parameter servers."""
        for job, addresses in self.jobs.items():
            if job != "evaluator":
                yield from (Task(job, index) for index in range(len(addresses)))

    def as_task(self, task: Task) -> Cluster:
        """The same cluster, seen by another member."""
        return Cluster(self.jobs, task)

    def to_json(self) -> str:
        """What ``TF_CONFIG`` says of it."""
        return json.dumps(
            {
                "cluster": {job: list(all_) for job, all_ in self.jobs.items()},
                "task": {"type": self.task.job, "index": self.task.index},
            }
        )


def from_environment() -> Cluster | None:
    """The cluster that ``TF_CONFIG`` describes, or None where it is not set.

    Raises:
        ClusterError: It describes none.
    """
    text = os.environ.get(VARIABLE, "")
    return parse(text) if text.strip() else None


def parse(text: str) -> Cluster:
    """Reads ``TF_CONFIG``.

    Raises:
        ClusterError: It is no JSON; it has no members, or a job that there is not; an
            address is no ``host:port``, or is there twice; or its task is not a member.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ClusterError(
            f"{VARIABLE} is no JSON ({error}): expected something like {_EXAMPLE}"
        ) from error
    if not isinstance(content, dict):
        raise _wrong(f"is {_kind(content)}, not an object")
    jobs = _jobs(content.get("cluster"))
    return Cluster(jobs, _task(content.get("task"), jobs))


def check_size(cluster: Cluster, workers: int | None, servers: int | None) -> None:
    """Compares a cluster with what the command line asks for; None asks for nothing.

    Raises:
        ClusterError: They differ.
    """
    for job, option, there, asked in (
        ("worker", "--workers", cluster.workers, workers),
        ("ps", "--ps", cluster.servers, servers),
    ):
        if asked is not None and asked != there:
            raise ClusterError(
                f"{VARIABLE} names {there} of the job {job!r}, but {option} is "
                f"{asked}: leave {option} out, or name {asked} addresses"
            )


def _jobs(content: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(content, dict) or not content:
        raise _wrong(f"has {_kind(content)} for 'cluster', not addresses by job")
    jobs: dict[str, tuple[str, ...]] = {}
    seen: dict[str, str] = {}
    for job, addresses in content.items():
        if job not in JOBS:
            raise _wrong(f"has the job {job!r}; jobs are {', '.join(JOBS)}")
        if not isinstance(addresses, list) or not addresses:
            raise _wrong(f"has {_kind(addresses)} for the job {job!r}, not addresses")
        for index, address in enumerate(addresses):
            _check_address(address, f"{job} {index}")
            if address in seen:
                raise _wrong(f"gives {address} to {seen[address]} and to {job} {index}")
            seen[address] = f"{job} {index}"
        jobs[job] = tuple(addresses)
    return jobs


def _check_address(address: Any, who: str) -> None:
    text = address if isinstance(address, str) else ""
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdigit()):
        raise _wrong(f"has {address!r} for {who}, not host:port")
    if not 1 <= int(port) <= 65535:
        raise _wrong(f"has port {port} for {who}, not one from 1 to 65535")


def _task(content: Any, jobs: Mapping[str, tuple[str, ...]]) -> Task:
    if not isinstance(content, dict):
        raise _wrong(f"has {_kind(content)} for 'task', not a type and an index")
    job, index = content.get("type"), content.get("index", 0)
    # TensorFlow takes "0", too, and launchers write it.
    if isinstance(index, str) and index.isascii() and index.isdigit():
        index = int(index)
    if job == "evaluator" and job not in jobs and index == 0:
        return Task(job, 0)
    if not isinstance(job, str) or job not in jobs:
        raise _wrong(f"says that this is a {job!r}, of which it names none")
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise _wrong(f"has {index!r} for the task's index, not a number from 0")
    if index >= len(jobs[job]):
        raise _wrong(
            f"says that this is {job} {index}, but names {len(jobs[job])} of them, "
            "counted from 0"
        )
    return Task(job, index)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a string"}
    what = names.get(type(value), "a value")
    return what if value else f"{what} without content"


def _wrong(reason: str) -> ClusterError:
    return ClusterError(f"{VARIABLE} {reason}: expected something like {_EXAMPLE}")
