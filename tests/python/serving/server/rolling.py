# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Servers that are restarted, killed and given new versions while clients ask them.

The model is "affine" of the fake artifact: version v gives y = 2 x + v. Each request
has a number of its own as x, so that an answer to another request is seen.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import tfnative
from tests.python.serving.server.served_process import ServedProcess
from tfnative import serving

SERVERS = 3
VERSIONS = (1, 2, 3)
KILLED = 3
"""Of so many restarts in a row, one begins with SIGKILL, which no server hears."""
WORKERS = 2
"""That ask at the same time, of each kind of client."""
PAUSE_SECONDS = 0.01
"""After each request, so that servers that start get the processor, too."""
RETRY = serving.Retry()
_HOW: dict[str, Any] = {"signature": "affine"}
_LARGEST = 1 << 20
"""Twice this, and a version, are numbers of float32."""


@dataclass
class Outcome:
    """What came of all requests.

    Attributes:
        answered: How many were answered, by client.
        versions: How many each version answered.
        late: How many were answered by a version that all servers had lost before.
        wrong: What was answered to which number, where it was wrong.
        lost: Errors of those that were not answered.
        restarts: How often a server was restarted meanwhile.
        possible: Versions that may answer at the moment.
        changes: How often one version has taken the place of another.
        codes: How often servers ended with which exit code.
    """

    answered: Counter[str] = field(default_factory=Counter)
    versions: Counter[int] = field(default_factory=Counter)
    late: int = 0
    wrong: list[tuple[int, list[float]]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    restarts: int = 0
    possible: frozenset[int] = frozenset({1})
    changes: int = 0
    codes: Counter[int] = field(default_factory=Counter)


def roll(models: Path, artifacts: Mapping[int, Path], requests: int) -> Outcome:
    """Asks so many times, while servers come and go and their version changes.

    Servers are restarted in turn, each third time by SIGKILL. Meanwhile another version
    comes into their folder, which they notice, and the one before goes. When all have
    been restarted without it, the next one comes.

    Args:
        models: The folder of the model's versions; it has the first one.
        artifacts: Version v of each adds v. After the last one comes the first again,
            under a higher number.
        requests: By all clients together; more if that is over before the changes.
    """
    outcome = Outcome()
    fleet = _Fleet(models, outcome)
    changes = _Changes(models, artifacts, outcome)
    numbers = _numbers(requests, lambda: outcome.changes > 0)
    try:
        threads = [
            threading.Thread(target=ask, args=(addresses, numbers, outcome))
            for ask in (_ask_in_threads, _ask_in_a_loop)
            for addresses in (fleet.grpc, fleet.rest)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            fleet.restart_next()
            changes.make()
            time.sleep(0.3)
        for thread in threads:
            thread.join()
    finally:
        fleet.end()
    return outcome


def _numbers(least: int, is_enough: Callable[[], bool]) -> Iterator[int]:
    """Numbers for requests; to be shared by threads, as ``next`` of it is one step."""
    return itertools.takewhile(
        lambda number: number < least or not is_enough(), itertools.count()
    )


class _Changes:
    """What becomes of the versions, by how often servers have been restarted."""

    COMES, GOES = 1, 2
    EVERY = GOES + SERVERS

    def __init__(
        self, models: Path, artifacts: Mapping[int, Path], outcome: Outcome
    ) -> None:
        self._models, self._artifacts, self._outcome = models, artifacts, outcome
        self._number = 1

    def make(self) -> None:
        """Makes what is due."""
        due, outcome = self._outcome.restarts % self.EVERY, self._outcome
        if due == self.COMES:
            self._number += 1
            outcome.possible |= {self._version}
            path = self._models / str(self._number)
            path.symlink_to(self._artifacts[self._version])
        elif due == self.GOES:
            (self._models / str(self._number - 1)).unlink()
        elif due == 0:
            outcome.possible = frozenset({self._version})
            outcome.changes += 1

    @property
    def _version(self) -> int:
        return (self._number - 1) % len(self._artifacts) + 1


class _Fleet:
    """The servers. Each keeps its ports."""

    def __init__(self, models: Path, outcome: Outcome) -> None:
        self._models = str(models)
        self._outcome = outcome
        self._turn = 0
        self._servers = [ServedProcess(self._models) for _ in range(SERVERS)]
        self.grpc = [server.grpc for server in self._servers]
        self.rest = [server.rest for server in self._servers]

    def restart_next(self) -> None:
        """Ends one, and starts it again."""
        server = self._servers[self._turn]
        is_last = self._outcome.restarts % KILLED == KILLED - 1
        server.tell(signal.SIGKILL if is_last else signal.SIGTERM)
        self._outcome.codes[server.wait()] += 1
        ports = {"port": server.port, "rest_port": server.rest_port}
        self._servers[self._turn] = ServedProcess(self._models, **ports)
        self._turn = (self._turn + 1) % SERVERS
        self._outcome.restarts += 1

    def end(self) -> None:
        for server in self._servers:
            server.kill()


def _x(number: int) -> np.ndarray:
    return np.full((1, 3), number % _LARGEST, np.float32)


def _note(
    outcome: Outcome, kind: str, number: int, found: np.ndarray, before: frozenset[int]
) -> None:
    """Takes an answer to a request that began when some versions were possible."""
    outcome.answered[kind] += 1
    added = found - 2 * _x(number)
    version = int(added.flat[0]) if added.shape == (1, 3) else 0
    if version not in VERSIONS or not (added == version).all():
        outcome.wrong.append((number, np.asarray(found).ravel().tolist()))
        return
    outcome.versions[version] += 1
    outcome.late += version not in before | outcome.possible


def _kind(client: str, addresses: Sequence[str]) -> str:
    return f"{client}, {'REST' if '://' in addresses[0] else 'gRPC'}"


def _ask_in_threads(
    addresses: Sequence[str], numbers: Iterator[int], outcome: Outcome
) -> None:
    kind = _kind("Client", addresses)
    lock = threading.Lock()
    with serving.Client(addresses, retry=RETRY) as client:

        def ask() -> None:
            for number in numbers:
                before = outcome.possible
                try:
                    found = client.predict("affine", {"x": _x(number)}, **_HOW)
                except tfnative.Error as error:
                    outcome.lost.append(f"{kind}: {type(error).__name__}: {error}")
                else:
                    with lock:
                        _note(outcome, kind, number, found["y"], before)
                time.sleep(PAUSE_SECONDS)

        threads = [threading.Thread(target=ask) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _ask_in_a_loop(
    addresses: Sequence[str], numbers: Iterator[int], outcome: Outcome
) -> None:
    kind = _kind("AsyncClient", addresses)

    async def ask(client: serving.AsyncClient) -> None:
        for number in numbers:
            before = outcome.possible
            try:
                found = await client.predict("affine", {"x": _x(number)}, **_HOW)
            except tfnative.Error as error:
                outcome.lost.append(f"{kind}: {type(error).__name__}: {error}")
            else:
                _note(outcome, kind, number, found["y"], before)
            await asyncio.sleep(PAUSE_SECONDS)

    async def ask_all() -> None:
        async with serving.AsyncClient(addresses, retry=RETRY) as client:
            await asyncio.gather(*(ask(client) for _ in range(WORKERS)))

    asyncio.run(ask_all())
