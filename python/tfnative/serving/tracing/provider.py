# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whether there are traces, and who takes them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tfnative.errors import FailedPreconditionError, InvalidArgumentError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider


def missing_telemetry(error: ModuleNotFoundError) -> FailedPreconditionError:
    """What to say of a package of OpenTelemetry that is not installed."""
    return FailedPreconditionError(
        f"traces need the package {error.name}: pip install"
        ' "tfnative[serving,telemetry]"'
    )


def global_provider() -> TracerProvider | None:
    """The provider that the process has set, if it has.

    Does not import OpenTelemetry: who has set a provider, has.
    """
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    provider: TracerProvider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else provider


def chosen_provider(asked: TracerProvider | bool | None) -> TracerProvider | None:
    """Who takes spans; None for no traces.

    Args:
        asked: A provider. None for that of the process, if it has set one; True for
            that of the process, whenever it is set; False for no traces.

    Raises:
        FailedPreconditionError: OpenTelemetry's packages are not installed.
        InvalidArgumentError: It is nothing of that.
    """
    if asked is False:
        return None
    if asked is None:
        return global_provider()
    try:
        from opentelemetry import trace
    except ModuleNotFoundError as error:
        raise missing_telemetry(error) from error
    if asked is True:
        return trace.get_tracer_provider()
    if isinstance(asked, trace.TracerProvider):
        return asked
    raise InvalidArgumentError(
        "traces: expected a TracerProvider of OpenTelemetry, True, False or None, got"
        f" {asked!r:.100}"
    )


def tracer_of(provider: TracerProvider) -> Tracer:
    """What makes our spans."""
    from tfnative._version import __version__
    from tfnative.serving.tracing.names import SCOPE

    return provider.get_tracer(SCOPE, __version__)
