# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Responses of the REST API, whose parts are sent one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tfnative._base.wire import Buffer
from tfnative.errors import code_of
from tfnative.serving.json_tensors import dump
from tfnative.serving.server.lanes import Lanes, Turns
from tfnative.serving.server.rest_body import (
    BodyTimeoutError,
    BodyTooLargeError,
    EncodingError,
)

_SENT_BYTES = 64 << 10
_JSON = "application/json"
_RETRY_SECONDS = 1

_OF_BODIES = {BodyTooLargeError: 413, BodyTimeoutError: 408, EncodingError: 415}
_OF_CODES = {
    1: 499,
    3: 400,
    4: 504,
    5: 404,
    7: 403,
    8: 429,
    9: 412,
    12: 501,
    13: 500,
    14: 503,
}


def status_of(error: BaseException) -> int:
    """HTTP's status of an error."""
    for kind, status in _OF_BODIES.items():
        if isinstance(error, kind):
            return status
    return _OF_CODES.get(code_of(error) or 13, 500)


def error_headers(status: int) -> Mapping[str, str]:
    """What a client is to know beside an error's message."""
    if status in (429, 503):
        return {"Retry-After": str(_RETRY_SECONDS)}
    # Nobody waits for the rest of a body that comes too slowly.
    return {"Connection": "close"} if status == 408 else {}


def json_response(body: Any, status: int = 200) -> Response:
    """A small body."""
    return Response(dump(body), status, media_type=_JSON)


class PartsResponse(Response):
    """A body in parts. A large one is not put together, and not sent at once.

    Args:
        parts: Bytes of JSON.
        lanes: Know whether small requests wait.
    """

    media_type = _JSON

    def __init__(self, parts: Sequence[Buffer], lanes: Lanes) -> None:
        super().__init__()
        self._parts = parts
        self._turns = Turns(lanes)
        size = sum(len(part) for part in parts)
        self.headers["Content-Length"] = str(size)
        if size <= _SENT_BYTES:
            self._parts = [b"".join(parts)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        start = "http.response.start"
        await send(
            {"type": start, "status": self.status_code, "headers": self.raw_headers}
        )
        for part in self._parts:
            for begin in range(0, len(part), _SENT_BYTES):
                piece = bytes(part[begin : begin + _SENT_BYTES])
                await send(
                    {"type": "http.response.body", "body": piece, "more_body": True}
                )
                await asyncio.sleep(0)  # Others shall have their turn between two.
                await self._turns.moved(len(piece))
        await send({"type": "http.response.body", "body": b""})
