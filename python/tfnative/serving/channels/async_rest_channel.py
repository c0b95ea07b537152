# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The REST API, for coroutines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from tfnative.serving.channels.own_loop import OwnLoop
from tfnative.serving.channels.renewed import Renewed
from tfnative.serving.channels.rest import (
    call_headers,
    check_body,
    http_error,
    rest_answer,
    rest_arguments,
    rest_extensions,
    rest_tls,
)

if TYPE_CHECKING:
    from tfnative.serving.calls import Call
    from tfnative.serving.options import Options

T = TypeVar("T")


class AsyncRestChannel:
    """The REST API of one address."""

    def __init__(self, address: str, options: Options) -> None:
        import httpx

        from tfnative.serving.channels.own_answers import async_transport

        self._address = address
        self._options = options
        self._loop = OwnLoop()
        self._max_bytes = options.max_message_bytes
        self._tls_name = None if options.tls is None else options.tls.server_name
        arguments = rest_arguments(address, options)

        def connect(verify: Any) -> httpx.AsyncClient:
            return httpx.AsyncClient(transport=async_transport(verify), **arguments)

        tls = options.tls
        self._clients = Renewed(tls, lambda: rest_tls(tls), connect)

    async def call(self, call: Call[T], timeout: float | None) -> T:
        """See ``AsyncChannel``."""
        import httpx

        from tfnative.serving.channels.own_answers import check_own

        self._loop.check(self._address)
        request = call.rest_request
        until = None if timeout is None else time.monotonic() + timeout
        where = f"{self._address}, {call.where}"
        body = bytearray()
        lease = self._clients.take()
        try:
            async with lease.connection.stream(
                request.method,
                request.path,
                content=request.body,
                headers=call_headers(self._options),
                extensions=rest_extensions(until, self._tls_name),
            ) as response:
                check_own(response, where)
                async for chunk in response.aiter_bytes():
                    body += chunk
                    check_body(len(body), until, self._max_bytes, where)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            raise http_error(error, where) from None
        finally:
            self._clients.give_back(lease)
            for old in self._clients.superfluous():
                await old.aclose()
        return call.read_rest(rest_answer(response, bytes(body), where))

    async def close(self) -> None:
        """See ``AsyncChannel``."""
        self._loop.check(self._address)
        for client in self._clients.all():
            await client.aclose()
