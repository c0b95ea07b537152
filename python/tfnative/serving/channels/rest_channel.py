# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The REST API, for threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from tfnative.errors import CancelledError
from tfnative.serving.channels.protocol import Pending
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
    import httpx

    from tfnative.serving.calls import Call
    from tfnative.serving.options import Options

T = TypeVar("T")


class RestChannel:
    """The REST API of one address."""

    def __init__(self, address: str, options: Options) -> None:
        import httpx

        from tfnative.serving.channels.own_answers import transport

        self._address = address
        self._options = options
        self._max_bytes = options.max_message_bytes
        arguments = rest_arguments(address, options)

        def connect(verify: Any) -> httpx.Client:
            return httpx.Client(transport=transport(verify), **arguments)

        tls = options.tls
        self._clients = Renewed(tls, lambda: rest_tls(tls), connect)
        self._tls_name = None if options.tls is None else options.tls.server_name
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None

    def call(self, call: Call[T], timeout: float | None) -> T:
        """See ``Channel``."""
        import httpx

        from tfnative.serving.channels.own_answers import check_own

        request = call.rest_request
        until = None if timeout is None else time.monotonic() + timeout
        where = f"{self._address}, {call.where}"
        lease = self._clients.take()
        try:
            with lease.connection.stream(
                request.method,
                request.path,
                content=request.body,
                headers=call_headers(self._options),
                extensions=rest_extensions(until, self._tls_name),
            ) as response:
                check_own(response, where)
                body = _read(response, until, self._max_bytes, where)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            raise http_error(error, where) from None
        finally:
            self._clients.give_back(lease)
            for old in self._clients.superfluous():
                old.close()
        return call.read_rest(rest_answer(response, body, where))

    def start(self, call: Call[T], timeout: float | None) -> Pending[T]:
        """See ``Channel``. In a thread, since the library waits."""
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(
                    max_workers=64, thread_name_prefix="tfnative-rest"
                )
        run = copy_context().run  # So that it is known there who has sent it.
        return _PendingRest(self._threads.submit(run, self.call, call, timeout))

    def close(self) -> None:
        """See ``Channel``."""
        for client in self._clients.all():
            client.close()
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
