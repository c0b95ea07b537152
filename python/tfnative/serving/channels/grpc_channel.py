# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The gRPC API, for threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tfnative.errors import CancelledError, FailedPreconditionError
from tfnative.serving.channels.grpc import credentials, grpc_arguments, grpc_error
from tfnative.serving.channels.protocol import Pending

if TYPE_CHECKING:
    from tfnative.serving.calls import Call
    from tfnative.serving.options import Options

T = TypeVar("T")


class GrpcChannel:
    """The gRPC API of one address."""

    def __init__(self, address: str, options: Options) -> None:
        import grpc

        self._address = address
        self._metadata = tuple(options.metadata.items())
        self._compression = {
            None: None,
            "gzip": grpc.Compression.Gzip,
            "deflate": grpc.Compression.Deflate,
        }[options.compression]
        self._methods: dict[str, Any] = {}
        arguments = grpc_arguments(options)
        self._channel = (
            grpc.insecure_channel(address, arguments)
            if options.tls is None
            else grpc.secure_channel(address, credentials(options.tls), arguments)
        )
        self._closed = False

    def call(self, call: Call[T], timeout: float | None) -> T:
        """See ``Channel``."""
        import grpc

        # Not with a future, for which gRPC would have another thread wait.
        try:
            response = self._method(call)(
                call.grpc_request,
                timeout=timeout,
                metadata=self._metadata,
                compression=self._compression,
            )
        except grpc.RpcError as error:
            raise grpc_error(error, call.where, self._address) from None
        return call.read_grpc(response)

    def start(self, call: Call[T], timeout: float | None) -> Pending[T]:
        """See ``Channel``."""
        future = self._method(call).future(
            call.grpc_request,
            timeout=timeout,
            metadata=self._metadata,
            compression=self._compression,
        )
        return _PendingGrpc(future, call, self._address)

    def _method(self, call: Call[Any]) -> Any:
        if self._closed:
            raise FailedPreconditionError(f"{self._address}: the client is closed")
        method = self._methods.get(call.grpc_path)
        if method is None:
            method = self._channel.unary_unary(call.grpc_path)
            self._methods[call.grpc_path] = method
        return method

    def close(self) -> None:
        """See ``Channel``."""
        self._closed = True
        self._channel.close()


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
