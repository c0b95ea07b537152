# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""All APIs on their ports, until the process is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc

from tfnative.errors import InvalidArgumentError, UnavailableError
from tfnative.serving.server.config import ModelSettings, settings_of
from tfnative.serving.server.descriptors import quieten_shortage
from tfnative.serving.server.draining import Drain
from tfnative.serving.server.draining_apis import DrainedCalls
from tfnative.serving.server.grpc_api import GrpcApi
from tfnative.serving.server.grpc_interceptors import Replies, Tokens
from tfnative.serving.server.hang_up import hang_up
from tfnative.serving.server.health import Health
from tfnative.serving.server.http import make_http_server
from tfnative.serving.server.inference_grpc import InferenceApi
from tfnative.serving.server.limits import RequestLimits, check_seconds
from tfnative.serving.server.listening import (
    check_listening,
    check_port,
    join_host,
    listen,
    warn_if_open,
)
from tfnative.serving.server.metrics import to_prometheus
from tfnative.serving.server.models import Opener, OpenOptions
from tfnative.serving.server.readiness import Readiness
from tfnative.serving.server.reload_rules import ReloadRules
from tfnative.serving.server.rest_api import make_app
from tfnative.serving.server.rest_body import BodyLimits
from tfnative.serving.server.service import Service
from tfnative.serving.server.signals import ended_by_signal
from tfnative.serving.server.tls import LiveTls, TlsSource
from tfnative.serving.server.tracing.asked import (
    grpc_spans,
    rest_spans,
    server_traces,
)
from tfnative.serving.token_file import TokenFile

WAITING_THREADS = 64
"""For requests that are not batched, and for examples."""
_CLOSING_SECONDS = 1.0
"""How long models may take to close that are still busy when the time is up."""


@dataclass(frozen=True)
class ServerOptions:
    """How to serve.

    Attributes:
        host: Where to listen: "0.0.0.0" or "::" for all addresses of this machine.
            Only its own processes reach "localhost".
        port: Of the gRPC API; 0 for one that is free, None for no such API.
        rest_port: Of the REST API, likewise.
        drain_seconds: How long requests may take that are on their way when the server
            is told to end. Those that take longer end as UNAVAILABLE.
        max_message_bytes: How large responses over gRPC may be.
        limits: What requests may be.
        tls: Where the certificate comes from; None to speak in clear.
        token_file: Clients have to send one of its tokens; None for no token.
        allow_reload_config: Whether clients may change what is served.
        model_roots: Below which folders they may have models served. Default: below
            those of the models that are served at first.
        models: See ``OpenOptions``, whose ``traces`` are those of requests, too.

    Raises:
        InvalidArgumentError: A port is none, or a number is out of range.
    """

    host: str = "localhost"
    port: int | None = 8500
    rest_port: int | None = 8501
    drain_seconds: float = 30.0
    max_message_bytes: int = 1 << 30
    limits: RequestLimits = field(default_factory=RequestLimits)
    tls: TlsSource | None = None
    token_file: str | None = None
    allow_reload_config: bool = False
    model_roots: tuple[str, ...] = ()
    models: OpenOptions = field(default_factory=OpenOptions)

    def __post_init__(self) -> None:
        check_port("port", self.port)
        check_port("rest_port", self.rest_port)
        check_seconds("drain_seconds", self.drain_seconds)


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
        self._rules = _reload_rules(options, models)
        token_file = options.token_file
        self._tokens = None if token_file is None else TokenFile(token_file)
        self._tls = None if options.tls is None else LiveTls(options.tls)
        self._settings = dict(models)
        self._opener = Opener(options.models)
        self._traces = server_traces(options.models.traces)
        self._executor = ThreadPoolExecutor(WAITING_THREADS, "tfnative-serve")
        limits = options.limits
        self.service = Service(
            self._opener.open_all(models),
            self._executor,
            limits.max_request_bytes,
            limits.max_inflight_bytes,
            self._traces,
        )
        self.port: int | None = None
        self.rest_port: int | None = None
        self.readiness = Readiness(self.service, lambda: self.is_ready)
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
        warn_if_open(
            self._options.host,
            asks_certificates=self._tls is not None and self._tls.asks_clients,
            asks_tokens=self._tokens is not None,
        )
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._close)
            if self._options.port is not None:
                await stack.enter_async_context(self._grpc(self._options.port))
            if self._options.rest_port is not None:
                await stack.enter_async_context(self._rest(self._options.rest_port))
            self._set_ready(True)
            try:
                yield self
            finally:
                self._set_ready(False)
                seconds = self._options.drain_seconds
                self.unanswered = await self._drain.finish(seconds)

    def _set_ready(self, is_ready: bool) -> None:
        self.is_ready = is_ready
        self.service.tell()

    @contextlib.asynccontextmanager
    async def _grpc(self, port: int) -> AsyncIterator[None]:
        limits = self._options.limits
        tokens = self._tokens
        server = grpc.aio.server(
            interceptors=(
                *grpc_spans(self._traces),
                Replies(),
                *(() if tokens is None else (Tokens(tokens),)),
                DrainedCalls(self._drain),
            ),
            options=[
                ("grpc.max_send_message_length", self._options.max_message_bytes),
                ("grpc.max_receive_message_length", limits.max_request_bytes),
                ("grpc.so_reuseport", 0),
                ("grpc.server_handshake_timeout_ms", limits.read_timeout_millis),
            ],
        )
        server.add_generic_rpc_handlers(
            (
                GrpcApi(self.service, self.reload),
                InferenceApi(self.service, self.readiness),
            )
        )
        health = Health(self.service, self.readiness)
        health.add_to(server)
        address = join_host(self._options.host, port)
        try:
            tls = self._tls
            self.port = (
                server.add_insecure_port(address)
                if tls is None
                else server.add_secure_port(address, tls.for_grpc())
            )
        except RuntimeError:
            check_listening(self._options.host, port)
            raise UnavailableError(f"cannot listen at {address}") from None
        await health.tell()  # That it is not ready, until it is.
        await server.start()
        try:
            async with health.following():
                yield
        finally:
            hang_up(self.port)
            await server.stop(None)

    @contextlib.asynccontextmanager
    async def _rest(self, port: int) -> AsyncIterator[None]:
        limits = self._options.limits
        timeout = limits.read_timeout_seconds
        app = make_app(
            self.service,
            self.metrics,
            self.readiness,
            BodyLimits(limits.max_request_bytes, timeout),
            self._drain,
            self._tokens,
            rest_spans(self._traces),
        )
        listening = listen(self._options.host, port)
        self.rest_port = listening.getsockname()[1]
        quieten_shortage(asyncio.get_running_loop())
        server = make_http_server(app, self._tls, timeout)
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
            PermissionDeniedError: Clients may not have it taken.
            Error: A model cannot be loaded, or it is no such configuration. Nothing has
                changed then.
        """
        self._rules.check_allowed()
        after = settings_of(config)
        async with self._changing:
            loop = asyncio.get_running_loop()
            known = self.service.models

            def change() -> Any:
                return self._opener.change(known, self._settings, after, self._rules)

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


def _reload_rules(
    options: ServerOptions, models: Mapping[str, ModelSettings]
) -> ReloadRules:
    if options.allow_reload_config:
        return ReloadRules.below(options.model_roots, models)
    if options.model_roots:
        raise InvalidArgumentError(
            "model_roots (--model-root) need allow_reload_config"
            " (--allow-reload-config)"
        )
    return ReloadRules()


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
