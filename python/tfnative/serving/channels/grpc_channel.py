# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The gRPC API, for threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tfnative.errors import CancelledError, FailedPreconditionError
from tfnative.serving.channels.grpc import (
    Connection,
    call_metadata,
    compression,
    credentials,
    grpc_arguments,
    grpc_error,
)
from tfnative.serving.channels.protocol import Pending
from tfnative.serving.channels.renewed import Renewed
from tfnative.serving.token_file import open_tokens

if TYPE_CHECKING:
    from tfnative.serving.calls import Call
    from tfnative.serving.options import Options

T = TypeVar("T")


class GrpcChannel:
    """The gRPC API of one address."""

    def __init__(self, address: str, options: Options) -> None:
        import grpc

        self._address = address
        self._options = options
        self._tokens = open_tokens(options.token_file)
        self._compression = compression(options)
        arguments = grpc_arguments(options)

        def connect(secrets: Any) -> Connection:
            return Connection(
                grpc.insecure_channel(address, arguments)
                if secrets is None
                else grpc.secure_channel(address, secrets, arguments)
            )

        tls = options.tls
        self._connections = Renewed(tls, lambda: credentials(tls), connect)
        self._closed = False

    def call(self, call: Call[T], timeout: float | None) -> T:
        """See ``Channel``."""
        import grpc

        self._check_open()
        lease = self._connections.take()
        # Not with a future, for which gRPC would have another thread wait.
        try:
            response = lease.connection.method(call.grpc_path)(
                call.grpc_request,
                timeout=timeout,
                metadata=call_metadata(self._options, self._tokens),
                compression=self._compression,
            )
        except grpc.RpcError as error:
            raise grpc_error(error, call.where, self._address) from None
        finally:
            self._connections.give_back(lease)
            for old in self._connections.superfluous():
                old.channel.close()
        return call.read_grpc(response)

    def start(self, call: Call[T], timeout: float | None) -> Pending[T]:
        """See ``Channel``."""
        self._check_open()
        request = call.grpc_request
        metadata = call_metadata(self._options, self._tokens)
        lease = self._connections.take()
        try:
            future = lease.connection.method(call.grpc_path).future(
                request,
                timeout=timeout,
                metadata=metadata,
                compression=self._compression,
            )
        except BaseException:
            self._connections.give_back(lease)
            raise
        # An old connection is not closed there: gRPC's thread calls back.
        future.add_done_callback(lambda _: self._connections.give_back(lease))
        return _PendingGrpc(future, call, self._address)

    def _check_open(self) -> None:
        if self._closed:
            raise FailedPreconditionError(f"{self._address}: the client is closed")

    def close(self) -> None:
        """See ``Channel``."""
        self._closed = True
        for connection in self._connections.all():
            connection.channel.close()


class _PendingGrpc(Pending[T]):
    def __init__(self, future: Any, call: Call[T], address: str) -> None:
        self._future = future
        self._call = call
        self._address = address

    def result(self, timeout: float | None = None) -> T:
        import grpc

        try:
            response = self._future.result(timeout)
        except grpc.FutureTimeoutError:
            raise TimeoutError from None
        except grpc.FutureCancelledError:
            raise CancelledError(f"{self._address}: the call was cancelled") from None
        except grpc.RpcError as error:
            raise grpc_error(error, self._call.where, self._address) from None
        return self._call.read_grpc(response)

    def cancel(self) -> None:
        self._future.cancel()

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._future.add_done_callback(lambda _: callback(self))
