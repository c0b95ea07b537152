# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A batcher whose requests have spans."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Span, get_current_span

from tfnative._batch.batcher import Batcher
from tfnative._batch.futures import BatchFuture
from tfnative.errors import UnavailableError
from tfnative.serving.server.tracing.batch_spans import BatchSpans
from tfnative.serving.server.tracing.compute_spans import model_attributes
from tfnative.serving.tracing import names

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from tfnative._model import Model

_MOST_EVENTS = 1 << 20
"""Of which there is a record before spans are made of them, as whenever an answer is
there."""


@dataclass
class _Attempt:
    """To have a request taken.

    Attributes:
        parent: The span that asks.
        is_taken: Whether it was: it has spans of its own then.
    """

    parent: Span
    is_taken: bool = False


_ATTEMPT: ContextVar[_Attempt | None] = ContextVar("attempt", default=None)


class TracedBatcher(Batcher):
    """A batcher that makes spans for requests of traces that are kept."""

    _spans: BatchSpans | None = None

    def trace(
        self, tracer: Tracer, model: Model, name: str, version: int, signature: str
    ) -> None:
        """Begins. Before the first request, since it has to know them all.

        Args:
            tracer: What makes spans.
            model: What is batched.
            name: Under which clients know it.
            version: Its number.
            signature: The signature's name.
        """
        attributes = model_attributes(model, name, version, signature)
        attributes[names.BATCH_THREADS] = self.options["num_batch_threads"]
        self._start_trace(_MOST_EVENTS)
        self._spans = BatchSpans(tracer, self._take_trace, attributes)

    def _submit(
        self, inputs: Any, timeout: float | None, completions: Any, number: int
    ) -> Any:
        """What ``submit`` and ``predict_async`` have in common."""
        submit: Callable[..., Any] = super()._submit
        attempt = _ATTEMPT.get()
        if self._spans is None or attempt is None:
            return submit(inputs, timeout, completions, number)
        request = self._spans.enter(
            attempt.parent, lambda: submit(inputs, timeout, completions, number)
        )
        attempt.is_taken = True
        return request

    def predict(self, inputs: Any, /, *, timeout: float | None = None) -> Any:
        """See ``Batcher``. One that is traced needs its number, which a future has."""
        with self._traced() as attempt:
            if attempt is None:
                return super().predict(inputs, timeout=timeout)
            return self._submitted(inputs, timeout).result()

    async def predict_async(self, inputs: Any, *, timeout: float | None = None) -> Any:
        """See ``Batcher``."""
        with self._traced():
            return await super().predict_async(inputs, timeout=timeout)

    @contextmanager
    def _traced(self) -> Iterator[_Attempt | None]:
        """Makes spans once a request is answered; None if its trace is not kept."""
        parent = get_current_span()
        if self._spans is None:
            yield None
            return
        attempt = _Attempt(parent) if parent.is_recording() else None
        _ATTEMPT.set(attempt)
        start_nanos = time.time_ns()
        try:
            yield attempt
        except Exception as error:
            if attempt is not None and not attempt.is_taken:
                self._spans.refused(parent, start_nanos, error)
            raise
        finally:
            _ATTEMPT.set(None)
            self._spans.make()

    def _submitted(self, inputs: Any, timeout: float | None) -> BatchFuture:
        """Tries as long as ``predict`` does when the queue is full."""
        until = time.monotonic() + self._retry_seconds
        while True:
            try:
                return self.submit(inputs, timeout=timeout)
            except UnavailableError:
                if time.monotonic() >= until:
                    raise
                time.sleep(self._retry_delay)

    def close(self, drain: bool = True, timeout: float | None = None) -> bool:
        """See ``Batcher``."""
        drained = super().close(drain, timeout)
        if self._spans is not None:
            self._spans.make()
        return drained
