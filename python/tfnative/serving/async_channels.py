# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What ``channels`` does, for coroutines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tfnative.errors import FailedPreconditionError
from tfnative.serving.channels import (
    check_body,
    credentials,
    grpc_arguments,
    grpc_error,
    http_error,
    rest_answer,
    rest_extensions,
    rest_headers,
    rest_tls,
)

if TYPE_CHECKING:
    from tfnative.serving.calls import Call
    from tfnative.serving.options import Options

T = TypeVar("T")


class AsyncChannel(Protocol):
    """A connection to a server, for the event loop that first uses it."""

    async def call(self, call: Call[T], timeout: float | None) -> T:
        """Sends a call and waits for the answer; see ``Channel``."""

    async def close(self) -> None:
        """Lets the connection go. Calls on their way fail."""


class AsyncGrpcChannel:
    """The gRPC API of one address."""

    def __init__(self, address: str, options: Options) -> None:
        import grpc

        self._address = address
        self._options = options
        self._compression = {
            None: None,
            "gzip": grpc.Compression.Gzip,
            "deflate": grpc.Compression.Deflate,
        }[options.compression]
        self._channel: Any = None
        self._methods: dict[str, Any] = {}
        self._closed = False

    def _method(self, path: str) -> Any:
        """Made in the event loop, to which it belongs."""
        import grpc

        if self._closed:
            raise FailedPreconditionError(f"{self._address}: the client is closed")
        if self._channel is None:
            arguments = grpc_arguments(self._options)
            tls = self._options.tls
            self._channel = (
                grpc.aio.insecure_channel(self._address, arguments)
                if tls is None
                else grpc.aio.secure_channel(self._address, credentials(tls), arguments)
            )
        if path not in self._methods:
            self._methods[path] = self._channel.unary_unary(path)
        return self._methods[path]

    async def call(self, call: Call[T], timeout: float | None) -> T:
        """See ``AsyncChannel``."""
        import grpc

        request = call.grpc_request
        method = self._method(call.grpc_path)
        try:
            response = await method(
                request,
                timeout=timeout,
                metadata=tuple(self._options.metadata.items()),
                compression=self._compression,
            )
        except grpc.RpcError as error:
            raise grpc_error(error, call.where, self._address) from None
        except grpc.aio.UsageError as error:
            raise FailedPreconditionError(
                f"{self._address}: the client is closed"
            ) from error
        return call.read_grpc(response)

    async def close(self) -> None:
        """See ``AsyncChannel``."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()


class AsyncRestChannel:
    """The REST API of one address."""

    def __init__(self, address: str, options: Options) -> None:
        import httpx

        self._address = address
        self._max_bytes = options.max_message_bytes
        self._tls_name = None if options.tls is None else options.tls.server_name
        self._client = httpx.AsyncClient(
            base_url=address,
            headers=rest_headers(options),
            verify=rest_tls(options.tls),
            trust_env=False,
        )

    async def call(self, call: Call[T], timeout: float | None) -> T:
        """See ``AsyncChannel``."""
        import httpx

        request = call.rest_request
        until = None if timeout is None else time.monotonic() + timeout
        where = f"{self._address}, {call.where}"
        body = bytearray()
        try:
            async with self._client.stream(
                request.method,
                request.path,
                content=request.body,
                extensions=rest_extensions(until, self._tls_name),
            ) as response:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    check_body(len(body), until, self._max_bytes, where)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            raise http_error(error, where) from None
        return call.read_rest(rest_answer(response, bytes(body), where))

    async def close(self) -> None:
        """See ``AsyncChannel``."""
        await self._client.aclose()
