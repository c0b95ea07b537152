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
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from tfnative.serving.server.tls import LiveTls

READ_BYTES = 64 << 10
"""What is read from a connection in one turn of the event loop, which others wait for.
asyncio would read 256 KB, of which uvicorn and h11 make five copies."""


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


def protocol(timeout_seconds: float) -> type[asyncio.Protocol]:
    """What reads requests from connections, and ends those on which nothing moves.

    uvicorn waits for ever for a connection's first request, for the rest of a request's
    head, and for a client that does not read its response.

    Args:
        timeout_seconds: From the first byte of a head, or from when the connection is
            there, to the end of the head; and while nothing of a response is read.
    """

    class Timed(AutoHTTPProtocol):  # type: ignore[misc, valid-type, unused-ignore]
        _timer: asyncio.TimerHandle | None = None
        _of_writing: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            with contextlib.suppress(AttributeError):  # Other loops read as they like.
                transport.max_size = READ_BYTES
            self._begin()

        def data_received(self, data: bytes) -> None:
            known = self.cycle
            super().data_received(data)
            if self.cycle is not known:
                self._end()
            elif self.cycle is None or self.cycle.response_complete:
                self._begin()

        def pause_writing(self) -> None:
            super().pause_writing()
            loop = asyncio.get_running_loop()
            # What was not read yet would be kept until it is, if it were closed only.
            abort = self.transport.abort
            self._of_writing = loop.call_later(timeout_seconds, abort)

        def resume_writing(self) -> None:
            self._end_writing()
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end()
            self._end_writing()
            super().connection_lost(exc)

        def _begin(self) -> None:
            if self._timer is None:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(timeout_seconds, self.transport.close)

        def _end(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _end_writing(self) -> None:
            if self._of_writing is not None:
                self._of_writing.cancel()
                self._of_writing = None

    return Timed


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
        # Longer than clients keep connections: else one ends as a request is sent.
        timeout_keep_alive=75,
    )
    config.load()
    config.ssl = None if tls is None else tls.for_http()
    return _HttpServer(config, read_timeout_seconds)
