# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The gRPC API, for coroutines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from tfnative.errors import FailedPreconditionError
from tfnative.serving.channels.grpc import (
    Connection,
    call_metadata,
    compression,
    credentials,
    grpc_arguments,
    grpc_error,
)
from tfnative.serving.channels.own_loop import OwnLoop
from tfnative.serving.channels.renewed import Renewed
from tfnative.serving.token_file import open_tokens

if TYPE_CHECKING:
    from tfnative.serving.calls import Call
    from tfnative.serving.options import Options

T = TypeVar("T")


class AsyncGrpcChannel:
    """The gRPC API of one address."""

    def __init__(self, address: str, options: Options) -> None:
        self._address = address
        self._options = options
        self._tokens = open_tokens(options.token_file)
        self._compression = compression(options)
        self._connections: Renewed[Connection] | None = None
        self._closed = False
        self._loop = OwnLoop()

    def _connected(self) -> Renewed[Connection]:
        """Made in the event loop, to which it belongs."""
        if self._closed:
            raise FailedPreconditionError(f"{self._address}: the client is closed")
        self._loop.check(self._address)
        if self._connections is None:
            tls = self._options.tls
            self._connections = Renewed(tls, lambda: credentials(tls), self._connect)
        return self._connections

    def _connect(self, secrets: Any) -> Connection:
        import grpc

        arguments = grpc_arguments(self._options)
        return Connection(
            grpc.aio.insecure_channel(self._address, arguments)
            if secrets is None
            else grpc.aio.secure_channel(self._address, secrets, arguments)
        )

    async def call(self, call: Call[T], timeout: float | None) -> T:
        """See ``AsyncChannel``."""
        import grpc

        request = call.grpc_request
        connections = self._connected()
        lease = connections.take()
        try:
            response = await lease.connection.method(call.grpc_path)(
                request,
                timeout=timeout,
                metadata=call_metadata(self._options, self._tokens),
                compression=self._compression,
            )
        except grpc.RpcError as error:
            raise grpc_error(error, call.where, self._address) from None
        except grpc.aio.UsageError as error:
            raise FailedPreconditionError(
                f"{self._address}: the client is closed"
            ) from error
        finally:
            connections.give_back(lease)
            for old in connections.superfluous():
                await old.channel.close()
        return call.read_grpc(response)

    async def close(self) -> None:
        """See ``AsyncChannel``."""
        self._closed = True
        self._loop.check(self._address)
        if self._connections is not None:
            for connection in self._connections.all():
                await connection.channel.close()
