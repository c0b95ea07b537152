# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The gRPC API, for coroutines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from tfnative.errors import FailedPreconditionError
from tfnative.serving.channels.grpc import credentials, grpc_arguments, grpc_error

if TYPE_CHECKING:
    from tfnative.serving.calls import Call
    from tfnative.serving.options import Options

T = TypeVar("T")


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
