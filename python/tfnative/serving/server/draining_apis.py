# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How clients of both APIs see that a server stops.

Over gRPC, calls that it does not take, or cannot answer any more, end as UNAVAILABLE;
over REST as status 503. Both tell clients to try another server. Health and metrics are
asked for until the end. ``Replies`` stands around what is raised here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import grpc

from tfnative.errors import UnavailableError
from tfnative.serving.server.draining import Drain

_METHODS = ("/tensorflow.serving.", "/inference.GRPCInferenceService/Model")
_PATHS = ("/v1/", "/v2/models/")
_CLOSE = (b"connection", b"close")
_REFUSED = "tfnative.refused"

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class DrainedCalls(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Sends calls of gRPC away, or has them answered in time."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain
        # There are as many handlers as methods: each is wrapped once.
        self._wrapped: dict[Any, Any] = {}

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """See ``grpc.aio.ServerInterceptor``."""
        handler = await continuation(details)
        if handler is None or not details.method.startswith(_METHODS):
            return handler
        wrapped = self._wrapped.get(handler)
        if wrapped is None:
            wrapped = self._wrapped[handler] = self._drained(handler)
        return wrapped

    def _drained(self, handler: Any) -> Any:
        answer = handler.unary_unary

        async def handle(request: Any, context: Any) -> Any:
            self._drain.begin()
            # Not when the answer is known, but when it has been sent.
            context.add_done_callback(lambda _: self._drain.end())
            with self._drain.limited():
                return await answer(request, context)

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


class CountedAnswers:
    """ASGI middleware around all other: counts requests until they are answered.

    Once the server stops, answers tell clients to close the connection: no request is
    then on its way when it is closed.
    """

    def __init__(self, app: Any, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """See the specification of ASGI."""
        if not _is_drained(scope):
            await self._app(scope, receive, send)
            return

        async def closing_send(message: MutableMapping[str, Any]) -> None:
            is_start = message["type"] == "http.response.start"
            if is_start and self._drain.is_stopping:
                message["headers"] = [*message.get("headers", ()), _CLOSE]
            await send(message)

        try:
            self._drain.begin()
        except UnavailableError as error:
            scope[_REFUSED] = error
            await self._app(scope, receive, closing_send)
            return
        try:
            await self._app(scope, receive, closing_send)
        finally:
            self._drain.end()


class DrainedRequests:
    """ASGI middleware that sends requests away, or has them answered in time.

    It stands within what makes answers of errors.
    """

    def __init__(self, app: Any, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """See the specification of ASGI.

        Raises:
            UnavailableError: The request has come too late, or takes too long.
        """
        if not _is_drained(scope):
            await self._app(scope, receive, send)
            return
        if _REFUSED in scope:
            raise scope[_REFUSED]
        with self._drain.limited():
            await self._app(scope, receive, send)


def _is_drained(scope: Scope) -> bool:
    return scope["type"] == "http" and str(scope["path"]).startswith(_PATHS)
