# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The HTTP server below the REST API."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from tfnative.serving.server.http_protocol import protocol
from tfnative.serving.server.tls import LiveTls


class _HttpServer(uvicorn.Server):
    """Leaves signals to the process: both APIs end together.

    Args:
        config: uvicorn's.
        handshake_seconds: How long TLS may take to begin; uvicorn has a minute.
    """

    def __init__(self, config: uvicorn.Config, handshake_seconds: float) -> None:
        super().__init__(config)
        self._handshake_seconds = handshake_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See ``uvicorn.Server``."""
        await super().startup(sockets=[])
        config, loop = self.config, asyncio.get_running_loop()

        def make() -> asyncio.Protocol:
            made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg, assignment, unused-ignore]
                config=config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
            )
            return made

        seconds = None if config.ssl is None else self._handshake_seconds
        for each in sockets or ():
            server = await loop.create_server(
                make,
                sock=each,
                ssl=config.ssl,
                backlog=config.backlog,
                ssl_handshake_timeout=seconds,
            )
            self.servers.append(server)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def make_http_server(
    app: Any,
    tls: LiveTls | None = None,
    read_timeout_seconds: float = 30.0,
) -> uvicorn.Server:
    """A server for an ASGI application.

    Args:
        app: The application.
        tls: None to speak in clear.
        read_timeout_seconds: See ``protocol``; also for the handshake of TLS.
    """
    config = uvicorn.Config(
        app,
        http=protocol(read_timeout_seconds),
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        # Longer than clients keep connections: else one ends as a request is sent.
        timeout_keep_alive=75,
    )
    config.load()
    config.ssl = None if tls is None else tls.for_http()
    return _HttpServer(config, read_timeout_seconds)
