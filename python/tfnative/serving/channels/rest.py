# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What channels of REST share: headers, timeouts, answers and errors."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfnative.errors import (
    DeadlineExceededError,
    Error,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    UnavailableError,
    type_for,
)
from tfnative.serving import rest_form
from tfnative.serving.channels.tls import tls_context
from tfnative.serving.token_file import open_tokens

if TYPE_CHECKING:
    import httpx

    from tfnative.serving.options import Options, Tls
    from tfnative.serving.token_file import TokenFile


def check_body(size: int, until: float | None, max_bytes: int, where: str) -> None:
    """Raises an error if a body is too large, or too late."""
    if size > max_bytes:
        raise type_for(8)(f"{where}: the response has more than {max_bytes} bytes")
    if until is not None and time.monotonic() > until:
        raise DeadlineExceededError(f"{where}: the response took too long")


def rest_arguments(address: str, options: Options) -> dict[str, Any]:
    """What clients of httpx are made with, beside what they verify."""
    return {
        "base_url": address,
        "headers": _headers(options),
        "auth": _auth(open_tokens(options.token_file)),
        "trust_env": False,
    }


def _headers(options: Options) -> dict[str, str]:
    """Of every request."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    headers["Accept-Encoding"] = options.compression or "identity"
    return {**headers, **options.metadata}


def call_headers(options: Options) -> Sequence[tuple[str, str]] | None:
    """Of one request, beside those of every one."""
    return None if options.trace_headers is None else options.trace_headers()


def rest_tls(tls: Tls | None) -> Any:
    """What httpx takes for ``verify``."""
    return True if tls is None else tls_context(tls)


def _auth(tokens: TokenFile | None) -> Any:
    """What httpx takes for ``auth``: asked for each request, as a token may change."""
    if tokens is None:
        return None

    def authorize(request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = tokens.authorization
        return request

    return authorize


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
