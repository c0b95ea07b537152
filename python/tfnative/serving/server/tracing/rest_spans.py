# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Spans of requests over REST."""

from __future__ import annotations

import asyncio
import re
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Span

from tfnative.serving.server.request_id import CURRENT
from tfnative.serving.server.rest_response import status_of
from tfnative.serving.tracing import names
from tfnative.serving.tracing.spans import fail_with

if TYPE_CHECKING:
    from tfnative.serving.server.tracing.requests import ServerTraces

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
_UNTRACED = frozenset(
    (
        *("/metrics", "/monitoring/prometheus/metrics"),
        *("/healthz", "/livez", "/readyz", "/v2/health/live", "/v2/health/ready"),
    )
)
"""What comes all the time, and is nobody's request."""
_ROUTES = (
    (
        re.compile(
            r"/v1/models/[^/:]+(?P<version>/versions/[0-9]+|/labels/[^/:]+)?"
            r"(?P<what>:[a-z]+|/metadata)?"
        ),
        "/v1/models/{model}",
    ),
    (
        re.compile(
            r"/v2/models/[^/]+(?P<version>/versions/[^/]+)?(?P<what>/ready|/infer)?"
        ),
        "/v2/models/{model}",
    ),
)


class RestSpans:
    """ASGI middleware that has a span for each request.

    It stands within what makes answers of errors, so as to see them.

    Args:
        app: What it stands around.
        traces: Makes them.
    """

    def __init__(self, app: Any, traces: ServerTraces) -> None:
        self._app = app
        self._traces = traces

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: Any, send: Any
    ) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        path = scope["raw_path"].decode("latin-1").partition("?")[0]
        known = {
            names.HTTP_METHOD: method,
            names.URL_PATH: names.clean(path),
            names.REQUEST_ID: CURRENT.get(),
        }
        route = _route(path)
        if route is not None:
            known[names.HTTP_ROUTE] = route
        name = method if route is None else f"{method} {route}"
        headers = [
            (key.decode("latin-1"), value.decode("latin-1"))
            for key, value in scope["headers"]
        ]
        with self._traces.request(name, headers, known) as span:
            await self._answer(span, scope, receive, send)

    async def _answer(self, span: Span, scope: Any, receive: Any, send: Any) -> None:
        async def send_noted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                _answered(span, message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            span.set_attribute(names.HTTP_STATUS, status_of(error))
            raise  # Whoever has made the span says why.


def _answered(span: Span, status: int) -> None:
    """Says with which status; one of the client's mistakes fails it, too.

    OpenTelemetry would have a server's span be no error then. But who looks for what a
    server refused looks for errors.
    """
    span.set_attribute(names.HTTP_STATUS, status)
    if status >= 400:
        fail_with(span, str(status), HTTPStatus(status).phrase)


def _route(path: str) -> str | None:
    """What stands for all paths like this one."""
    for pattern, start in _ROUTES:
        found = pattern.fullmatch(path)
        if found is None:
            continue
        version = found["version"] or ""
        kind = version.split("/")[1] if version else ""
        place = f"/{kind}/{{{kind.rstrip('s')}}}" if kind else ""
        what = found["what"] or ""
        if what.startswith(":") and what not in (":predict", ":classify", ":regress"):
            return None
        return start + place + what
    return None
