# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Connections on which an answer that nobody asked for is not taken for the next one.

A server or a proxy may send more than one answer to a request. If both come together,
the library keeps the second one among the bytes that it has read, and takes it for the
answer to the next request: all others on the connection are then off by one. What it
has read it does not show; but an answer to a request has to be read after the request
has been written, and its first bytes are those of a status line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from tfnative.errors import UnavailableError

if TYPE_CHECKING:
    import ssl

_START = b"HTTP/"
_KEPT: dict[str, Any] = {
    "max_connections": 100,
    "max_keepalive_connections": 20,
    "keepalive_expiry": 5.0,
}
"""As httpx has it."""


def check_own(response: httpx.Response, where: str) -> None:
    """Checks that an answer has been read since its request was written.

    The body must not have been read yet: the connection ends with the error.

    Raises:
        UnavailableError: The server sent it before.
    """
    stream = response.extensions.get("network_stream")
    if isinstance(stream, _Order) and stream.waits:
        raise UnavailableError(
            f"{where}: the server sent an answer before it was asked: what it sent is"
            " no answer to this request"
        )


def transport(verify: ssl.SSLContext | bool) -> httpx.HTTPTransport:
    """What a client of httpx sends requests with."""
    made = httpx.HTTPTransport(verify=verify, trust_env=False)
    # httpx has no argument for httpcore's backend, which is a public one there.
    made._pool = httpcore.ConnectionPool(
        ssl_context=_context(verify), network_backend=_Backend(), **_KEPT
    )
    return made


def async_transport(verify: ssl.SSLContext | bool) -> httpx.AsyncHTTPTransport:
    """What a client of httpx for coroutines sends requests with."""
    made = httpx.AsyncHTTPTransport(verify=verify, trust_env=False)
    made._pool = httpcore.AsyncConnectionPool(
        ssl_context=_context(verify), network_backend=_AsyncBackend(), **_KEPT
    )
    return made


def _context(verify: ssl.SSLContext | bool) -> ssl.SSLContext:
    return httpx.create_ssl_context(verify=verify, trust_env=False)


class _Order:
    """Whether something was read since the last was written."""

    waits = False

    def wrote(self) -> None:
        self.waits = True

    def read_first(self, data: bytes) -> None:
        if self.waits and not _START.startswith(data[: len(_START)]):
            raise httpcore.RemoteProtocolError("what the server sent is no answer")
        self.waits = False


class _Stream(_Order, httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, timeout)
        self.read_first(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.wrote()
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(super().connect_tcp(*args, **kwargs))


class _AsyncStream(_Order, httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        self.read_first(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.wrote()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await self._stream.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _AsyncBackend(httpcore.AnyIOBackend):
    async def connect_tcp(
        self, *args: Any, **kwargs: Any
    ) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await super().connect_tcp(*args, **kwargs))
