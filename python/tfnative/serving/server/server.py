# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Both APIs on their ports, until the process is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc

from tfnative.errors import UnavailableError
from tfnative.serving.server.config import ModelSettings, settings_of
from tfnative.serving.server.draining import Drain
from tfnative.serving.server.draining_apis import DrainedApp, DrainedCalls
from tfnative.serving.server.grpc_api import GrpcApi
from tfnative.serving.server.hang_up import hang_up
from tfnative.serving.server.http import make_http_server
from tfnative.serving.server.metrics import to_prometheus
from tfnative.serving.server.models import Opener, OpenOptions
from tfnative.serving.server.rest_api import make_app
from tfnative.serving.server.service import Service
from tfnative.serving.server.signals import ended_by_signal
from tfnative.serving.server.tls import ServerTls

WAITING_THREADS = 64
"""For requests that are not batched, and for examples."""
_CLOSING_SECONDS = 1.0
"""How long models may take to close that are still busy when the time is up."""


@dataclass(frozen=True)
class ServerOptions:
    """How to serve.

    Attributes:
        host: Where to listen: "0.0.0.0" for all addresses of this machine.
        port: Of the gRPC API; 0 for one that is free, None for no such API.
        rest_port: Of the REST API, likewise.
        drain_seconds: How long requests may take that are on their way when the server
            is told to end. Those that take longer end as UNAVAILABLE.
        max_message_bytes: How large requests and responses may be.
        tls: None to listen for whoever comes, in clear.
        models: See ``OpenOptions``.
    """

    host: str = "0.0.0.0"
    port: int | None = 8500
    rest_port: int | None = 8501
    drain_seconds: float = 30.0
    max_message_bytes: int = 1 << 30
    tls: ServerTls | None = None
    models: OpenOptions = field(default_factory=OpenOptions)


class Server:
    """Serves models in this process.

    Use it in an event loop: ``async with server.running(): ...``.

    Args:
        models: By name.
        options: How to serve.

    Attributes:
        port: Where the gRPC API is, once it is running; None if there is none.
        rest_port: Likewise, of the REST API.
        is_ready: Whether requests are welcome.
        unanswered: How many requests it had no time to answer when it ended.

    Raises:
        Error: A model cannot be loaded.
    """

    def __init__(
        self, models: Mapping[str, ModelSettings], options: ServerOptions
    ) -> None:
        self._options = options
        self._settings = dict(models)
        self._opener = Opener(options.models)
        self._executor = ThreadPoolExecutor(WAITING_THREADS, "tfnative-serve")
        self.service = Service(self._opener.open_all(models), self._executor)
        self.port: int | None = None
        self.rest_port: int | None = None
        self.is_ready = False
        self.unanswered = 0
        self._drain = Drain()
        self._changing = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """Answers requests; at the end, those on their way are answered first.

        Raises:
            UnavailableError: A port is taken.
        """
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._close)
            if self._options.port is not None:
                await stack.enter_async_context(self._grpc(self._options.port))
            if self._options.rest_port is not None:
                await stack.enter_async_context(self._rest(self._options.rest_port))
            self.is_ready = True
            try:
                yield self
            finally:
                self.is_ready = False
                seconds = self._options.drain_seconds
                self.unanswered = await self._drain.finish(seconds)

    @contextlib.asynccontextmanager
    async def _grpc(self, port: int) -> AsyncIterator[None]:
        limit = self._options.max_message_bytes
        server = grpc.aio.server(
            interceptors=(DrainedCalls(self._drain),),
            options=[
                ("grpc.max_send_message_length", limit),
                ("grpc.max_receive_message_length", limit),
                ("grpc.so_reuseport", 0),
            ],
        )
        server.add_generic_rpc_handlers((GrpcApi(self.service, self.reload),))
        address = f"{self._options.host}:{port}"
        try:
            tls = self._options.tls
            self.port = (
                server.add_insecure_port(address)
                if tls is None
                else server.add_secure_port(address, tls.for_grpc())
            )
        except RuntimeError as error:
            raise UnavailableError(f"cannot listen at {address}: {error}") from None
        await server.start()
        try:
            yield
        finally:
            hang_up(self.port)
            await server.stop(None)

    @contextlib.asynccontextmanager
    async def _rest(self, port: int) -> AsyncIterator[None]:
        app = DrainedApp(
            make_app(self.service, self.metrics, lambda: self.is_ready), self._drain
        )
        listening = _listen(self._options.host, port)
        self.rest_port = listening.getsockname()[1]
        server = make_http_server(app, self._options.tls)
        task = asyncio.ensure_future(server.serve(sockets=[listening]))
        try:
            yield
        finally:
            # Answers may still be on their way to clients that read slowly.
            left = math.ceil(self._drain.seconds_left())
            server.config.timeout_graceful_shutdown = max(left, 1)
            server.should_exit = True
            await task

    def metrics(self) -> str:
        """What Prometheus scrapes."""
        return to_prometheus(self.service)

    async def reload(self, config: Any) -> None:
        """Takes another configuration, a ``ModelServerConfig``.

        Raises:
            Error: A model cannot be loaded, or it is no such configuration. Nothing has
                changed then.
        """
        after = settings_of(config)
        async with self._changing:
            loop = asyncio.get_running_loop()
            known = self.service.models

            def change() -> Any:
                return self._opener.change(known, self._settings, after)

            self.service.models, gone = await loop.run_in_executor(None, change)
            self._settings = after
            for served in gone:
                await loop.run_in_executor(None, served.close)

    async def _close(self) -> None:
        """In a thread: whoever tells the process to end once more shall be heard."""
        closing = threading.Thread(target=self.service.close, daemon=True)
        closing.start()
        # What had no time to answer is still at it, perhaps for ever.
        patience = _CLOSING_SECONDS if self.unanswered else None
        await asyncio.get_running_loop().run_in_executor(None, closing.join, patience)
        self._executor.shutdown(wait=not self.unanswered, cancel_futures=True)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections."""
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = min(found)  # IPv4 before IPv6.
        # With the protocol's number asyncio knows that it is TCP, and switches Nagle's
        # algorithm off: it would hold each response back for 40 ms.
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(1024)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise UnavailableError(f"cannot listen at {host}:{port}: {error}") from None
    return listening


async def serve_until_signal(
    server: Server, on_ready: Callable[[Server], None]
) -> None:
    """Serves until SIGTERM or SIGINT, and answers what is on its way.

    At the second of these signals the process ends at once.
    """
    ended = ended_by_signal()
    async with server.running():
        on_ready(server)
        await ended.wait()
