# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Spans of a client's calls: one for each call, and in it one for each attempt.

They stand around what makes attempts and what carries them, neither of which knows. A
call that is tried again, or sent twice, has several attempts, each to its own address,
and each server's span is the child of the attempt that it had.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from opentelemetry import propagate
from opentelemetry.trace import Span, SpanKind, TracerProvider, use_span

from tfnative.serving.channels.address import is_rest
from tfnative.serving.tracing.attempt_names import attempt_attributes, attempt_name
from tfnative.serving.tracing.names import HTTP_STATUS, MODEL, RPC_STATUS, clean
from tfnative.serving.tracing.provider import tracer_of
from tfnative.serving.tracing.spans import fail, span_around

if TYPE_CHECKING:
    from tfnative.serving.async_attempts import AsyncAttempts
    from tfnative.serving.attempts import Attempts
    from tfnative.serving.calls import Call
    from tfnative.serving.channels.protocol import AsyncChannel, Channel, Pending

T = TypeVar("T")


def trace_headers() -> tuple[tuple[str, str], ...]:
    """What tells a server which span is current: traceparent, and tracestate if any.

    By the propagators that the process has chosen; W3C's, if it has not.
    """
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return tuple((key.lower(), value) for key, value in carrier.items())


class ClientTraces:
    """Makes the spans of a client. Thread-safe.

    Args:
        provider: Who takes them.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = tracer_of(provider)

    def channel(self, channel: Channel, address: str) -> TracedChannel:
        """The same channel, with a span around each attempt."""
        return TracedChannel(channel, address, self)

    def async_channel(self, channel: AsyncChannel, address: str) -> TracedAsyncChannel:
        """Likewise, for coroutines."""
        return TracedAsyncChannel(channel, address, self)

    def attempts(self, attempts: Attempts) -> TracedAttempts:
        """The same attempts, with a span around each call."""
        return TracedAttempts(attempts, self)

    def async_attempts(self, attempts: AsyncAttempts) -> TracedAsyncAttempts:
        """Likewise, for coroutines."""
        return TracedAsyncAttempts(attempts, self)

    def calling(self, call: Call[Any]) -> Any:
        """A span around a call."""
        name = f"tfnative.{call.name}"
        return span_around(self._tracer, name, attributes={MODEL: clean(call.where)})

    def attempting(self, call: Call[Any], address: str) -> Any:
        """A span around an attempt."""
        return span_around(
            self._tracer,
            attempt_name(call, address),
            kind=SpanKind.CLIENT,
            attributes=attempt_attributes(call, address),
        )

    def begin(self, call: Call[Any], address: str) -> Span:
        """A span of an attempt that ends elsewhere."""
        return self._tracer.start_span(
            attempt_name(call, address),
            kind=SpanKind.CLIENT,
            attributes=attempt_attributes(call, address),
        )


def _answered(span: Span, address: str) -> None:
    """Says of the span of an attempt what its protocol calls success."""
    if is_rest(address):
        span.set_attribute(HTTP_STATUS, 200)
    else:
        span.set_attribute(RPC_STATUS, "OK")


class TracedChannel:
    """A channel with a span around each attempt; see ``Channel``."""

    def __init__(self, channel: Channel, address: str, traces: ClientTraces) -> None:
        self._channel = channel
        self._address = address
        self._traces = traces

    def call(self, call: Call[T], timeout: float | None) -> T:
        """See ``Channel``."""
        with self._traces.attempting(call, self._address) as span:
            answer = self._channel.call(call, timeout)
            _answered(span, self._address)
            return answer

    def start(self, call: Call[T], timeout: float | None) -> Pending[T]:
        """See ``Channel``. The span ends with the answer, in whatever thread."""
        span = self._traces.begin(call, self._address)
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                pending = self._channel.start(call, timeout)
        except BaseException as error:
            fail(span, error)
            span.end()
            raise
        pending.add_done_callback(_ending(span, self._address))
        return pending

    def close(self) -> None:
        """See ``Channel``."""
        self._channel.close()


def _ending(span: Span, address: str) -> Callable[[Pending[Any]], None]:
    def end(pending: Pending[Any]) -> None:
        try:
            pending.result(0)
        except BaseException as error:
            fail(span, error)
        else:
            _answered(span, address)
        finally:
            span.end()

    return end


class TracedAsyncChannel:
    """Likewise, for coroutines; see ``AsyncChannel``."""

    def __init__(
        self, channel: AsyncChannel, address: str, traces: ClientTraces
    ) -> None:
        self._channel = channel
        self._address = address
        self._traces = traces

    async def call(self, call: Call[T], timeout: float | None) -> T:
        """See ``AsyncChannel``."""
        with self._traces.attempting(call, self._address) as span:
            answer = await self._channel.call(call, timeout)
            _answered(span, self._address)
            return answer

    async def close(self) -> None:
        """See ``AsyncChannel``."""
        await self._channel.close()


class TracedAttempts:
    """Attempts with a span around each call; see ``Attempts``."""

    def __init__(self, attempts: Attempts, traces: ClientTraces) -> None:
        self._attempts = attempts
        self._traces = traces

    def run(self, call: Call[T], deadline: float | None) -> T:
        """See ``Attempts``."""
        with self._traces.calling(call):
            return self._attempts.run(call, deadline)

    def close(self) -> None:
        """See ``Attempts``."""
        self._attempts.close()


class TracedAsyncAttempts:
    """Likewise, for coroutines; see ``AsyncAttempts``."""

    def __init__(self, attempts: AsyncAttempts, traces: ClientTraces) -> None:
        self._attempts = attempts
        self._traces = traces

    async def run(self, call: Call[T], deadline: float | None) -> T:
        """See ``AsyncAttempts``."""
        with self._traces.calling(call):
            return await self._attempts.run(call, deadline)

    async def close(self) -> None:
        """See ``AsyncAttempts``."""
        await self._attempts.close()
