# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Carry calls to one address and answers back, and say what went wrong in our terms."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from tfnative.errors import (
    CancelledError,
    DeadlineExceededError,
    Error,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    UnavailableError,
    type_for,
)
from tfnative.serving import rest_form

if TYPE_CHECKING:
    import grpc
    import httpx

    from tfnative.serving.calls import Call
    from tfnative.serving.options import Options, Tls

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# gRPC knows codes that have no class of their own here.
_GRPC_CODES = {6: 9, 10: 14, 11: 3, 15: 13, 16: 7}


class Pending(Protocol[T_co]):
    """A call on its way."""

    def result(self, timeout: float | None = None) -> T_co:
        """Its answer. Raises what went wrong, and TimeoutError after the timeout."""

    def cancel(self) -> None:
        """Gives it up."""

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Has it called when it is over, by any thread."""


class Channel(Protocol):
    """A connection to a server; it is made when it is first needed. Thread-safe."""

    def call(self, call: Call[T], timeout: float | None) -> T:
        """Sends a call and waits for the answer.

        Args:
            call: What to ask.
            timeout: For how many seconds at most.

        Raises:
            Error: What the server says, or that it cannot be reached.
        """

    def start(self, call: Call[T], timeout: float | None) -> Pending[T]:
        """Likewise, without waiting."""

    def close(self) -> None:
        """Lets the connection go. Calls on their way fail."""


# --- gRPC -----------------------------------------------------------------------------


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


def grpc_error(error: grpc.RpcError, where: str, address: str) -> Error:
    """The server's message, as one of our errors."""
    code: int = error.code().value[0]
    kind = type_for(_GRPC_CODES.get(code, code))
    return kind(f"{address}, {where}: {error.details()}")


def grpc_arguments(options: Options) -> list[tuple[str, int | str]]:
    """What gRPC calls channel arguments."""
    arguments: list[tuple[str, int | str]] = [
        ("grpc.max_send_message_length", options.max_message_bytes),
        ("grpc.max_receive_message_length", options.max_message_bytes),
        # Two clients of one address do not share a connection that one of them closes.
        ("grpc.use_local_subchannel_pool", 1),
        # gRPC would leave a server alone for up to two minutes after it was away.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
    if options.keepalive_seconds is not None:
        arguments.append(
            ("grpc.keepalive_time_ms", int(1000 * options.keepalive_seconds))
        )
    if options.tls is not None and options.tls.server_name is not None:
        name = options.tls.server_name
        arguments.append(("grpc.ssl_target_name_override", name))
    return arguments


def credentials(tls: Tls) -> grpc.ChannelCredentials:
    """What gRPC calls channel credentials."""
    import grpc

    def read(path: Any) -> bytes | None:
        if path is None:
            return None
        with open(path, "rb") as file:
            return file.read()

    return grpc.ssl_channel_credentials(
        read(tls.ca_file), read(tls.key_file), read(tls.certificate_file)
    )


# --- REST -----------------------------------------------------------------------------


class RestChannel:
    """The REST API of one address."""

    def __init__(self, address: str, options: Options) -> None:
        import httpx

        self._address = address
        self._max_bytes = options.max_message_bytes
        self._client = httpx.Client(
            base_url=address,
            headers=rest_headers(options),
            verify=rest_tls(options.tls),
            trust_env=False,
        )
        self._tls_name = None if options.tls is None else options.tls.server_name
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None

    def call(self, call: Call[T], timeout: float | None) -> T:
        """See ``Channel``."""
        import httpx

        request = call.rest_request
        until = None if timeout is None else time.monotonic() + timeout
        where = f"{self._address}, {call.where}"
        try:
            with self._client.stream(
                request.method,
                request.path,
                content=request.body,
                extensions=rest_extensions(until, self._tls_name),
            ) as response:
                body = _read(response, until, self._max_bytes, where)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            raise http_error(error, where) from None
        return call.read_rest(rest_answer(response, body, where))

    def start(self, call: Call[T], timeout: float | None) -> Pending[T]:
        """See ``Channel``. In a thread, since the library waits."""
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(
                    max_workers=64, thread_name_prefix="tfnative-rest"
                )
        return _PendingRest(self._threads.submit(self.call, call, timeout))

    def close(self) -> None:
        """See ``Channel``."""
        self._client.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


class _PendingRest(Pending[T]):
    def __init__(self, future: Future[T]) -> None:
        self._future = future

    def result(self, timeout: float | None = None) -> T:
        import concurrent.futures

        try:
            return self._future.result(timeout)
        except concurrent.futures.TimeoutError:
            raise TimeoutError from None
        except concurrent.futures.CancelledError:
            raise CancelledError("the call was cancelled") from None

    def cancel(self) -> None:
        self._future.cancel()  # One that runs goes on; nobody waits for it.

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._future.add_done_callback(lambda _: callback(self))


def _read(
    response: httpx.Response, until: float | None, max_bytes: int, where: str
) -> bytes:
    """The body, as long as there is time: a server may send it byte by byte."""
    body = bytearray()
    chunks: Iterator[bytes] = response.iter_bytes()
    for chunk in chunks:
        body += chunk
        check_body(len(body), until, max_bytes, where)
    return bytes(body)


def check_body(size: int, until: float | None, max_bytes: int, where: str) -> None:
    """Raises an error if a body is too large, or too late."""
    if size > max_bytes:
        raise type_for(8)(f"{where}: the response has more than {max_bytes} bytes")
    if until is not None and time.monotonic() > until:
        raise DeadlineExceededError(f"{where}: the response took too long")


def rest_headers(options: Options) -> dict[str, str]:
    """Of every request."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    headers["Accept-Encoding"] = options.compression or "identity"
    return {**headers, **options.metadata}


def rest_tls(tls: Tls | None) -> Any:
    """What httpx takes for ``verify``."""
    import ssl

    if tls is None:
        return True
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.certificate_file is not None:
        context.load_cert_chain(tls.certificate_file, tls.key_file)
    return context


class _Remaining(dict[str, float | None]):
    """The timeout of each step of a request, that is of the time that is left then.

    A step may be to connect, to send a part, or to receive one: with the same timeout
    for each, all together could last for ever.
    """

    def __init__(self, until: float) -> None:
        super().__init__()
        self._until = until

    def get(self, _: str, default: Any = None) -> float:
        return max(self._until - time.monotonic(), 1e-3)


def rest_extensions(until: float | None, server_name: str | None) -> dict[str, Any]:
    """What httpx passes on: timeouts, and another name of the server for TLS."""
    found: dict[str, Any] = {"timeout": {} if until is None else _Remaining(until)}
    if server_name is not None:
        found["sni_hostname"] = server_name
    return found


def http_error(error: Exception, where: str) -> Error:
    """What went wrong on the way, as one of our errors."""
    import httpx

    text = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return DeadlineExceededError(f"{where}: {text}")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return InvalidArgumentError(f"{where}: {text}")
    if isinstance(error, httpx.DecodingError):
        return InternalError(f"{where}: the response is damaged: {text}")
    if isinstance(error, httpx.TransportError):
        return UnavailableError(f"{where}: {text}")
    if isinstance(error, RuntimeError) and "closed" in text:
        return FailedPreconditionError(f"{where}: the client is closed")
    return InternalError(f"{where}: {text}")


def rest_answer(response: httpx.Response, body: bytes, where: str) -> Any:
    """The JSON of a response.

    Raises:
        Error: The server said what is wrong; or it is no answer of such a server.
    """
    status = response.status_code
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if status == 200 and said is not None:
        return said
    kind = type_for(rest_form.STATUS_CODES.get(status, 13))
    message = rest_form.error_message(said)
    if message is None:
        start = body[:100].decode(errors="replace")
        content_type = response.headers.get("Content-Type", "no content type")
        message = f"HTTP status {status}, {content_type}: {start!r}"
        if status == 200:
            message = f"expected JSON, got {message}"
    return _raise(kind(f"{where}: {message}"))


def _raise(error: Error) -> Any:
    raise error


def is_rest(address: str) -> bool:
    """Whether an address is that of a REST API: a URL.

    Raises:
        InvalidArgumentError: It is a URL of something else.
    """
    if not address:
        raise InvalidArgumentError("expected the address of a server, got ''")
    scheme = urlsplit(address).scheme if "://" in address else ""
    if scheme in ("http", "https"):
        return True
    if scheme in ("", "dns", "unix", "ipv4", "ipv6"):
        return False
    raise InvalidArgumentError(
        f"{address}: expected host:port for gRPC, or http://host:port for REST"
    )
