# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server of compiled models, for tests. Needs what the server needs."""

from __future__ import annotations

import asyncio
import threading

from tfnative.serving.server.config import ModelSettings
from tfnative.serving.server.models import OpenOptions
from tfnative.serving.server.server import Server, ServerOptions


class Running:
    """A server in a thread."""

    def __init__(self, models: dict[str, ModelSettings], batching: str | None) -> None:
        started = threading.Event()
        self._ended = asyncio.Event()

        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            opening = OpenOptions(None, batching_parameters_file=batching)
            options = ServerOptions("localhost", 0, 0, models=opening)
            async with Server(models, options).running() as server:
                self.port, self.rest_port = server.port, server.rest_port
                started.set()
                await self._ended.wait()

        self._thread = threading.Thread(target=asyncio.run, args=(run(),))
        self._thread.start()
        assert started.wait(60)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
