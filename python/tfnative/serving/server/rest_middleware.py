# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What stands around every request over REST: who may make it, and what errors become.

They are ASGI middleware, the hook that Starlette has for this.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    AuthenticationError,
    SimpleUser,
)
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from tfnative.serving.server.replies import log_refused, reply_to
from tfnative.serving.server.request_id import HEADER, begin_request
from tfnative.serving.server.rest_response import error_headers, status_of
from tfnative.serving.token_file import TokenFile

_KEY = HEADER.encode()
_ORIGIN = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
IsOpen = Callable[[MutableMapping[str, Any]], bool]


class OriginForm:
    """Takes the path of requests whose target is a whole URL, as proxies write it.

    RFC 9112 has every server take that form. The host in it is nobody's business here.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: Any, send: Any
    ) -> None:
        """See ASGI."""
        if scope["type"] == "http" and not scope["path"].startswith("/"):
            found = _ORIGIN.match(scope["raw_path"])
            if found is not None:
                path = scope["raw_path"][found.end() :] or b"/"
                decoded = unquote(path.partition(b"?")[0].decode("latin-1"))
                scope = {**scope, "raw_path": path, "path": decoded}
        await self._app(scope, receive, send)


class Replies:
    """Gives every answer its request's id, and makes answers of errors."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: Any, send: Any
    ) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = [value for key, value in scope["headers"] if key == _KEY]
        name = begin_request([value.decode("latin-1") for value in given])
        has_begun = False

        async def send_named(message: MutableMapping[str, Any]) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = message.get("headers", ())
                message["headers"] = [*headers, (_KEY, name.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except asyncio.CancelledError:
            raise  # The server ends.
        except BaseException as error:
            reply = reply_to(error, f"{scope['method']} {scope['path']}")
            if has_begun:
                raise ConnectionError("the answer had begun") from None
            status = status_of(error)
            answer = JSONResponse({"error": reply.text}, status, error_headers(status))
            await answer(scope, receive, send_named)


async def no_such_route(request: Request, error: Exception) -> Response:
    """What Starlette says of a path or a method that there is not, as JSON."""
    assert isinstance(error, HTTPException)
    asked = f"{request.method} {request.scope['path'][:200]}"
    text = f"{error.detail}: {asked}".encode(errors="backslashreplace").decode()
    return JSONResponse({"error": text}, error.status_code, error.headers)


def asking_for(tokens: TokenFile, is_open: IsOpen) -> Middleware:
    """Lets requests with a token through, and those that are open to all."""
    return Middleware(
        AuthenticationMiddleware,
        backend=_Bearers(tokens, is_open),
        on_error=_unauthenticated,
    )


class _Bearers(AuthenticationBackend):
    def __init__(self, tokens: TokenFile, is_open: IsOpen) -> None:
        self._tokens = tokens
        self._is_open = is_open

    async def authenticate(
        self, conn: HTTPConnection
    ) -> tuple[AuthCredentials, SimpleUser] | None:
        """See Starlette."""
        if self._is_open(conn.scope):
            return None
        given = conn.headers.getlist("authorization")
        if len(given) == 1 and self._tokens.accepts(given[0]):
            return AuthCredentials(["models"]), SimpleUser("client")
        raise AuthenticationError(
            "expected a token that the server knows: Authorization: Bearer ..."
        )


def _unauthenticated(asked: HTTPConnection, error: AuthenticationError) -> Response:
    log_refused(f"{asked.scope['method']} {asked.scope['path']}")
    headers = {"WWW-Authenticate": "Bearer"}
    return JSONResponse({"error": str(error)}, 401, headers)
