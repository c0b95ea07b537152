# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A batching loop as one writes it with asyncio, over ONNX Runtime."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import contestants
from benchmarks.batching.loads import PredictAsync, TaskServer
from benchmarks.batching.servers import Batching, predict_many
from benchmarks.contestants import Arrays, Predict

_Item = tuple[Arrays, "asyncio.Future[Arrays]"]


def over_ort(path: Path, batching: Batching) -> TaskServer:
    """With ONNX Runtime; each batch on one thread."""

    async def start() -> PredictAsync:
        return BatchingLoop(contestants.find("ort").load(path), batching).predict

    return TaskServer(start)


class BatchingLoop:
    """A queue, and tasks that each gather a batch and have a thread run it.

    Belongs to the event loop in which it is made.
    """

    def __init__(self, predict: Predict, batching: Batching) -> None:
        self._predict = predict
        self._max_batch_size = batching.max_batch_size
        self._timeout = batching.batch_timeout_micros / 1e6
        self._queue: asyncio.Queue[_Item] = asyncio.Queue()
        self._pool = ThreadPoolExecutor(batching.num_batch_threads)
        self._tasks = [
            asyncio.ensure_future(self._serve())
            for _ in range(batching.num_batch_threads)
        ]

    async def predict(self, request: Arrays) -> Arrays:
        """The answer to a request of one row."""
        future = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((request, future))
        answer: Arrays = await future
        return answer

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            items = await self._gather()
            requests = [request for request, _ in items]
            answers = await loop.run_in_executor(
                self._pool, predict_many, self._predict, requests
            )
            for (_, future), answer in zip(items, answers, strict=True):
                future.set_result(answer)

    async def _gather(self) -> list[_Item]:
        """At least one request, and what comes until there are enough, or too late."""
        items = [await self._queue.get()]
        until = asyncio.get_running_loop().time() + self._timeout
        while len(items) < self._max_batch_size:
            if not self._queue.empty():
                items.append(self._queue.get_nowait())
                continue
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                break
            try:
                items.append(await asyncio.wait_for(self._queue.get(), left))
            except asyncio.TimeoutError:
                break
        return items
