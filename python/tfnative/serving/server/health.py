# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""gRPC's standard health service, as grpc/health/v1/health.proto describes it.

Its service "" is the server as a whole, and every model is one by its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio

from tfnative.errors import UnimplementedError
from tfnative.serving.server.readiness import Readiness
from tfnative.serving.server.service import Service
from tfnative.serving.types import ModelSpec

LAST_WORDS_SECONDS = 0.05
"""How long watchers have to send the last status."""
LEAVING_SECONDS = 1.0
"""How long it may take until all clients know that nothing more comes."""

_STATUS = health_pb2.HealthCheckResponse


class Health:
    """Tells who asks, and who watches, whether requests are taken.

    Args:
        service: The models.
        readiness: Whether they are ready.
    """

    def __init__(self, service: Service, readiness: Readiness) -> None:
        self._service = service
        self._readiness = readiness
        self._servicer = _Servicer()
        self._told: set[str] = set()

    def add_to(self, server: Any) -> None:
        """Has a gRPC server, which is not started yet, answer."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def tell(self) -> None:
        """Has answers be what they are now."""
        names = set(self._service.models)
        for name in self._told - names:  # Reloading took it away.
            await self._servicer.set(name, _STATUS.SERVICE_UNKNOWN)
        for name in names:
            await self._set(name, self._readiness.is_ready(ModelSpec(name)))
        await self._set("", not self._readiness.why_not())
        self._told |= names

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Keeps what is told in line with the models; at the end, nothing is ready."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        changed.set()
        # Threads that load versions say so.
        end = self._service.on_change(lambda: loop.call_soon_threadsafe(changed.set))
        task = asyncio.ensure_future(self._follow(changed))
        try:
            yield
        finally:
            end()
            task.cancel()
            await asyncio.wait([task])
            await self._servicer.end()

    async def _follow(self, changed: asyncio.Event) -> None:
        while True:
            await changed.wait()
            changed.clear()
            await self.tell()

    async def _set(self, name: str, is_ready: bool) -> None:
        status = _STATUS.SERVING if is_ready else _STATUS.NOT_SERVING
        await self._servicer.set(name, status)


class _Servicer(aio.HealthServicer):  # type: ignore[misc]
    """gRPC's own, whose watchers do not keep the server from ending."""

    def __init__(self) -> None:
        super().__init__()
        self._watching: dict[asyncio.Task[None], asyncio.Event] = {}
        self._has_ended = False

    async def Watch(self, request: Any, context: Any) -> None:  # noqa: N802
        task = asyncio.ensure_future(super().Watch(request, context))
        has_left = self._watching[task] = asyncio.Event()

        def leave(_: Any) -> None:
            self._watching.pop(task, None)
            has_left.set()

        context.add_done_callback(leave)
        try:
            await task
        except asyncio.CancelledError:
            task.cancel()
            if not self._has_ended:
                raise  # The client watches no more.

    async def List(self, request: Any, context: Any) -> None:  # noqa: N802
        raise UnimplementedError("this server does not list its models")

    async def end(self) -> None:
        """Tells all watchers that nothing is served any more, and lets them go."""
        await self.enter_graceful_shutdown()
        await asyncio.sleep(LAST_WORDS_SECONDS)
        self._has_ended = True
        leaving = [asyncio.ensure_future(e.wait()) for e in self._watching.values()]
        for task in tuple(self._watching):
            task.cancel()
        if leaving:
            _, waiting = await asyncio.wait(leaving, timeout=LEAVING_SECONDS)
            for each in waiting:
                each.cancel()
