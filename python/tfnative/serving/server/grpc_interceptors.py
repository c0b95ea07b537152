# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What stands around every call over gRPC: who may make it, and what errors become."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from tfnative.errors import UnimplementedError
from tfnative.serving.server.replies import reply_to
from tfnative.serving.server.request_id import HEADER, begin_request
from tfnative.serving.token_file import TokenFile

HEALTH = "/grpc.health.v1.Health/"
"""Whoever looks after a server may not be able to send a token: Kubernetes is not."""

_STATUS = {code.value[0]: code for code in grpc.StatusCode}

Continue = Callable[[Any], Awaitable[Any]]


class Replies(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Gives every answer its request's id, and makes answers of errors."""

    async def intercept_service(self, continuation: Continue, details: Any) -> Any:
        """See ``grpc.aio.ServerInterceptor``."""
        method = details.method
        given = _values(details, HEADER)
        handler = await continuation(details)
        if handler is None:
            return grpc.unary_unary_rpc_method_handler(
                _answering(_unknown, method, given)
            )
        # No API that is served here takes streams.
        is_stream = handler.response_streaming
        inner = handler.unary_stream if is_stream else handler.unary_unary
        make = (
            grpc.unary_stream_rpc_method_handler
            if is_stream
            else grpc.unary_unary_rpc_method_handler
        )
        return make(
            _answering(inner, method, given),
            handler.request_deserializer,
            handler.response_serializer,
        )


class Tokens(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Lets calls with a token through, and those that ask for the server's health.

    Args:
        tokens: Which tokens.
    """

    def __init__(self, tokens: TokenFile) -> None:
        self._tokens = tokens

    async def intercept_service(self, continuation: Continue, details: Any) -> Any:
        """See ``grpc.aio.ServerInterceptor``."""
        if details.method.startswith(HEALTH):
            return await continuation(details)
        given = _values(details, "authorization")
        if len(given) == 1 and self._tokens.accepts(given[0]):
            return await continuation(details)
        return grpc.unary_unary_rpc_method_handler(_unauthenticated)


def _answering(
    inner: Callable[[Any, Any], Awaitable[Any]], method: str, given: list[str]
) -> Callable[[Any, Any], Awaitable[Any]]:
    async def answer(request: Any, context: Any) -> Any:
        name = begin_request(given)
        metadata = ((HEADER, name),)
        context.set_trailing_metadata(metadata)
        try:
            return await inner(request, context)
        except (asyncio.CancelledError, grpc.aio.AbortError):
            raise  # The client gave up; or the answer is on its way.
        except BaseException as error:
            reply = reply_to(error, method.rpartition("/")[2])
            return await context.abort(_STATUS[reply.code], reply.text, metadata)

    return answer


async def _unknown(_: Any, context: Any) -> Any:
    raise UnimplementedError("the server does not have this method")


async def _unauthenticated(_: Any, context: Any) -> Any:
    text = "expected a token that the server knows: authorization: Bearer ..."
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, text)


def _values(details: Any, key: str) -> list[str]:
    return [value for name, value in details.invocation_metadata if name == key]
