# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Spans that are current in a block, and what becomes of them when it fails.

Imported when there are traces, since it needs OpenTelemetry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.trace import Span, SpanKind, Tracer, use_span
from opentelemetry.trace.status import Status, StatusCode

from tfnative.errors import CancelledError, code_of
from tfnative.serving.status_codes import CODES
from tfnative.serving.tracing.names import ERROR_TYPE, clean


@contextmanager
def span_around(
    tracer: Tracer,
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: dict[str, Any] | None = None,
    context: Any = None,
) -> Iterator[Span]:
    """A span that is current in a ``with`` block, and ends with it, however that ends.

    Args:
        tracer: Whose it is.
        name: Its name.
        kind: Its kind.
        attributes: What is known of it.
        context: With its parent. Default: the current one.
    """
    span = tracer.start_span(name, context, kind, attributes)
    try:
        with use_span(span, record_exception=False, set_status_on_exception=False):
            yield span
    except BaseException as error:
        fail(span, error)
        raise
    finally:
        span.end()


def fail(span: Span, error: BaseException) -> None:
    """Says of a span that this went wrong.

    What is no error of tfnative's is a mistake: the span has its traceback, too.
    """
    is_given_up = isinstance(error, asyncio.CancelledError | CancelledError)
    code = 1 if is_given_up else code_of(error)
    if code is None:
        span.record_exception(error)
        fail_with(span, type(error).__qualname__, _text(error))
    else:
        fail_with(span, CODES.get(code, "UNKNOWN"), _text(error) or _reason(code))


def fail_with(span: Span, kind: str, reason: str) -> None:
    """Likewise, of what is known by its code.

    Args:
        span: Which.
        kind: Of a small number of kinds: a code, a status, the name of a class.
        reason: A sentence.
    """
    span.set_attribute(ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, clean(reason)))


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return type(error).__name__


def _reason(code: int) -> str:
    return "the caller gave up" if code == 1 else CODES.get(code, "UNKNOWN")
