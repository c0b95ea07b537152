# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server that is asked for a long time, at 80% of what it can do.

Versions are swapped meanwhile, some requests are wrong, and some clients leave. The
model is "affine" of the fake artifact: y = 2 x + 1, 2 or 3, by version.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

import tfnative
from tests.python.serving.server.served_process import ServedProcess
from tfnative import serving

SHARE = 0.8
"""Of the requests per second that the server can answer."""
PROBE_SECONDS = 3.0
PROBE_CLIENTS = 8
SWAP_SECONDS = 1.0
WAITING = 64
"""Requests that are on their way at most: more would come if it fell behind."""
ADDENDS = (1, 2, 3)


@dataclass(frozen=True)
class Sample:
    """What the server's process has at a moment."""

    rss_bytes: int
    descriptors: int
    threads: int

    @classmethod
    def of(cls, process: int) -> Sample:
        """Reads it of /proc."""
        folder = Path(f"/proc/{process}")
        fields = dict(
            line.split(":", 1) for line in (folder / "status").read_text().splitlines()
        )
        return cls(
            int(fields["VmRSS"].split()[0]) * 1024,
            len(list((folder / "fd").iterdir())),
            int(fields["Threads"]),
        )


@dataclass
class Soaked:
    """What came of it.

    Attributes:
        capacity: Requests per second that the server can answer.
        counts: Requests by what they were, and how they ended.
        wrong: What was wrong, in words.
        samples: Of the server's process, in order.
        swaps: How often the version changed.
    """

    capacity: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    swaps: int = 0

    def growth(self, what: Callable[[Sample], int]) -> tuple[float, float]:
        """The medians of the middle third and of the last third of the samples."""
        third = len(self.samples) // 3
        values = [what(sample) for sample in self.samples]
        return median(values[third : 2 * third]), median(values[2 * third :])


class Soak:
    """Asks a server.

    Args:
        server: It serves "affine" from ``versions``, and looks for new versions often.
        versions: The folder.
        artifacts: What its versions are of, by addend.
    """

    def __init__(
        self, server: ServedProcess, versions: Path, artifacts: dict[int, Path]
    ) -> None:
        self.found = Soaked()
        self._server = server
        self._versions = versions
        self._artifacts = artifacts
        self._numbers = itertools.count()
        self._is_over = False

    async def run(self, seconds: float) -> Soaked:
        """Asks for so long, after it has found how much the server can do."""
        async with (
            serving.AsyncClient(self._server.grpc) as grpc,
            serving.AsyncClient(self._server.rest) as rest,
        ):
            self._clients = (grpc, rest)
            await self._probe()
            helpers = [
                asyncio.ensure_future(each) for each in (self._swap(), self._watch())
            ]
            await self._ask_steadily(seconds)
            self._is_over = True
            await asyncio.gather(*helpers)
        return self.found

    async def _probe(self) -> None:
        until = time.monotonic() + PROBE_SECONDS
        answered = 0

        async def ask() -> None:
            nonlocal answered
            while time.monotonic() < until:
                await self._predict()
                answered += 1

        await asyncio.gather(*(ask() for _ in range(PROBE_CLIENTS)))
        self.found.capacity = answered / PROBE_SECONDS

    async def _ask_steadily(self, seconds: float) -> None:
        kinds = [self._predict] * 20
        kinds += [self._wrong_shape, self._unknown_model, self._hang_up, self._give_up]
        start = time.monotonic()
        tasks: set[asyncio.Task[None]] = set()
        for number in itertools.count():
            due = start + number / (SHARE * self.found.capacity)
            if due > start + seconds:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if len(tasks) >= WAITING:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.ensure_future(self._guarded(random.choice(kinds)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def _guarded(self, ask: Callable[[], Awaitable[None]]) -> None:
        try:
            await ask()
        except Exception as error:
            self.found.wrong.append(f"{type(error).__name__}: {error}")

    def _client(self) -> serving.AsyncClient:
        return random.choice(self._clients)

    async def _predict(self) -> None:
        rows = random.choice((1, 1, 1, 2, 5))
        x = np.full((rows, 3), next(self._numbers) % 100_000, np.float32)
        found = await self._client().predict("affine", {"x": x}, signature="affine")
        addends = np.unique(found["y"] - 2 * x)
        self.found.counts["answered"] += 1
        if found["y"].shape != x.shape or len(addends) != 1:
            self.found.wrong.append(f"{x} gave {found['y']}")
        elif addends[0] not in ADDENDS:
            self.found.wrong.append(f"there is no version that adds {addends[0]}")

    async def _wrong_shape(self) -> None:
        x = np.zeros((1, 2), np.float32)
        await self._refused(
            {"x": x}, "affine", tfnative.InvalidArgumentError, "wrong shape"
        )

    async def _unknown_model(self) -> None:
        x = np.zeros((1, 3), np.float32)
        await self._refused({"x": x}, "other", tfnative.NotFoundError, "unknown model")

    async def _refused(
        self, inputs: object, model: str, expected: type[Exception], what: str
    ) -> None:
        try:
            await self._client().predict(model, inputs, signature="affine")
        except expected:
            self.found.counts[what] += 1
        else:
            self.found.wrong.append(f"{what}: it was answered")

    async def _hang_up(self) -> None:
        """Leaves in the middle of a request."""
        port = self._server.rest_port
        reader, writer = await asyncio.open_connection("localhost", port)
        body = json.dumps({"signature_name": "affine", "instances": [[1, 2, 3]]})
        whole = (
            "POST /v1/models/affine:predict HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        writer.write(whole[: random.randrange(1, len(whole) + 1)].encode())
        await writer.drain()
        writer.close()
        del reader
        self.found.counts["left"] += 1

    async def _give_up(self) -> None:
        """Cancels a call on its way."""
        task = asyncio.ensure_future(self._predict())
        await asyncio.sleep(random.uniform(0, 0.003))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.found.counts["cancelled"] += 1

    async def _swap(self) -> None:
        """Puts a new version in place, and takes the one before the last away."""
        number = max(int(each.name) for each in self._versions.iterdir())
        while not self._is_over:
            await asyncio.sleep(SWAP_SECONDS)
            number += 1
            target = self._artifacts[ADDENDS[number % len(ADDENDS)]]
            (self._versions / str(number)).symlink_to(target)
            old = self._versions / str(number - 2)
            if old.is_symlink():
                old.unlink()
            self.found.swaps += 1

    async def _watch(self) -> None:
        while not self._is_over:
            self.found.samples.append(Sample.of(self._server.process.pid))
            await asyncio.sleep(0.5)
