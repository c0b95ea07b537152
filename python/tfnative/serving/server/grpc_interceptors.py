# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What stands around every call over gRPC: who may make it, and what errors become."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from tfnative.errors import UnimplementedError
from tfnative.serving.server.inference_message import INFERENCE, PROBES
from tfnative.serving.server.replies import (
    MalformedRequestError,
    log_refused,
    reply_to,
)
from tfnative.serving.server.request_id import HEADER, begin_request
from tfnative.serving.token_file import TokenFile

HEALTH = "/grpc.health.v1.Health/"
"""Whoever looks after a server may not be able to send a token: Kubernetes is not."""
_OPEN = (HEALTH, *(INFERENCE + probe for probe in PROBES))

_STATUS = {code.value[0]: code for code in grpc.StatusCode}

Continue = Callable[[Any], Awaitable[Any]]


class Replies(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Gives every answer its request's id, and makes answers of errors."""

    def __init__(self) -> None:
        # There are as many handlers as methods: each is wrapped once.
        self._wrapped: dict[Any, Any] = {}

    async def intercept_service(self, continuation: Continue, details: Any) -> Any:
        """See ``grpc.aio.ServerInterceptor``."""
        handler = await continuation(details) or _UNKNOWN
        wrapped = self._wrapped.get(handler)
        if wrapped is None:
            is_known = handler is not _UNKNOWN
            name = details.method.rpartition("/")[2] if is_known else "unknown method"
            wrapped = self._wrapped[handler] = _answering(handler, name)
        return wrapped


class Tokens(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Lets calls with a token through, and those that ask for the server's health.

    Args:
        tokens: Which tokens.
    """

    def __init__(self, tokens: TokenFile) -> None:
        self._tokens = tokens

    async def intercept_service(self, continuation: Continue, details: Any) -> Any:
        """See ``grpc.aio.ServerInterceptor``."""
        if details.method.startswith(_OPEN):
            return await continuation(details)
        given = _values(details.invocation_metadata, "authorization")
        if len(given) == 1 and self._tokens.accepts(given[0]):
            return await continuation(details)
        return _UNAUTHENTICATED


def _answering(handler: Any, what: str) -> Any:
    """A handler that does the same, and whatever happens, answers.

    It reads the request itself: of one that cannot be read, gRPC would tell the client
    which exception that was, and no request's id.
    """
    if handler.request_streaming:
        return grpc.stream_unary_rpc_method_handler(_answer(handler.stream_unary, what))
    inner = handler.unary_stream if handler.response_streaming else handler.unary_unary
    answer = _answer(inner, what, handler.request_deserializer or _as_it_is)
    make = (
        grpc.unary_stream_rpc_method_handler
        if handler.response_streaming
        else grpc.unary_unary_rpc_method_handler
    )
    return make(answer, None, handler.response_serializer)


def _answer(inner: Any, what: str, read: Callable[[bytes], Any] | None = None) -> Any:
    async def answer(request: Any, context: Any) -> Any:
        given = _values(context.invocation_metadata(), HEADER)
        metadata = ((HEADER, begin_request(given)),)
        context.set_trailing_metadata(metadata)
        try:
            asked = request if read is None else _read(read, request)
            return await inner(asked, context)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise  # The client gave up; or the answer is on its way.
        except BaseException as error:
            reply = reply_to(error, what)
            return await context.abort(_STATUS[reply.code], reply.text, metadata)

    return answer


def _as_it_is(request: bytes) -> bytes:
    return request


def _read(read: Callable[[bytes], Any], request: bytes) -> Any:
    try:
        return read(request)
    except Exception:
        raise MalformedRequestError(
            "the request is damaged: it is no message of this method"
        ) from None


async def _unknown(_: Any, context: Any) -> Any:
    raise UnimplementedError("the server does not have this method")


async def _unauthenticated(_: Any, context: Any) -> Any:
    # Which method it would have been is the client's own text.
    log_refused("a call over gRPC")
    text = "expected a token that the server knows: authorization: Bearer ..."
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, text)


# They look as if they took many messages: gRPC would wait for a single one, and keep
# it, before it calls them. To clients it is the same.
_UNKNOWN = grpc.stream_unary_rpc_method_handler(_unknown)
_UNAUTHENTICATED = grpc.stream_unary_rpc_method_handler(_unauthenticated)


def _values(metadata: Any, key: str) -> list[str]:
    return [value for name, value in metadata or () if name == key]
