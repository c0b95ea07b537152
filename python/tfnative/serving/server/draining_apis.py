# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How clients of both APIs see that a server stops.

Over gRPC, calls that it does not take, or cannot answer any more, end as UNAVAILABLE;
over REST as status 503. Both tell clients to try another server. Health and metrics are
asked for until the end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import grpc
from starlette.requests import ClientDisconnect

from tfnative.errors import UnavailableError
from tfnative.serving.json_tensors import dump
from tfnative.serving.server.draining import Drain

_METHODS = "/tensorflow.serving."
_PATHS = "/v1/"
_CLOSE = (b"connection", b"close")

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class DrainedCalls(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Sends calls of gRPC away, or has them answered in time."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """See ``grpc.aio.ServerInterceptor``."""
        handler = await continuation(details)
        if handler is None or not details.method.startswith(_METHODS):
            return handler
        answer = handler.unary_unary

        async def handle(request: Any, context: Any) -> Any:
            try:
                self._drain.begin()
                # Not when the answer is known, but when it has been sent.
                context.add_done_callback(lambda _: self._drain.end())
                with self._drain.limited():
                    return await answer(request, context)
            except UnavailableError as error:
                await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


class DrainedApp:
    """An ASGI application whose requests are sent away, or answered in time.

    Once the server stops, answers tell clients to close the connection: no request is
    then on its way when it is closed.
    """

    def __init__(self, app: Any, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """See the specification of ASGI."""
        if scope["type"] != "http" or not scope["path"].startswith(_PATHS):
            await self._app(scope, receive, send)
            return
        answer = _Answer(self._drain, send)
        try:
            self._drain.begin()
        except UnavailableError as error:
            await answer.refuse(error)
            return
        try:
            with self._drain.limited():
                await self._app(scope, receive, answer.send)
        except ClientDisconnect:  # Nobody is there to be answered.
            pass
        except UnavailableError as error:
            if answer.has_begun:
                raise
            await answer.refuse(error)
        finally:
            self._drain.end()


class _Answer:
    """Sends the messages of a response."""

    def __init__(self, drain: Drain, send: Send) -> None:
        self._drain = drain
        self._send = send
        self.has_begun = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            if self._drain.is_stopping:
                message["headers"] = [*message.get("headers", ()), _CLOSE]
        await self._send(message)

    async def refuse(self, error: UnavailableError) -> None:
        body = dump({"error": str(error)})
        await self.send(
            {
                "type": "http.response.start",
                "status": 503,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(body)).encode()),
                ],
            }
        )
        await self._send({"type": "http.response.body", "body": body})
