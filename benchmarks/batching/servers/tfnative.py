# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""tfnative's Batcher, and its model without one."""

from __future__ import annotations

from pathlib import Path

import tfnative
from benchmarks.batching.loads import PredictAsync, TaskServer, ThreadServer
from benchmarks.batching.servers import Batching


def model(path: Path, batching: Batching) -> ThreadServer:
    """Calls the model itself."""
    del batching
    return ThreadServer(_load(path).predict)


def threads(path: Path, batching: Batching) -> ThreadServer:
    """Threads wait in ``predict``."""
    return ThreadServer(_batcher(path, batching).predict)


def tasks(path: Path, batching: Batching) -> TaskServer:
    """Coroutines await ``predict_async``."""

    async def start() -> PredictAsync:
        return _batcher(path, batching).predict_async

    return TaskServer(start)


def _batcher(path: Path, batching: Batching) -> tfnative.Batcher:
    return tfnative.Batcher(
        _load(path),
        max_batch_size=batching.max_batch_size,
        batch_timeout_micros=batching.batch_timeout_micros,
        num_batch_threads=batching.num_batch_threads,
    )


def _load(path: Path) -> tfnative.Model:
    loaded = tfnative.load(path)
    loaded.warmup()
    return loaded
