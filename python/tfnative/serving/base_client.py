# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What clients that wait and clients that do not have in common."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NoReturn

from tfnative._base.initialized import Initialized
from tfnative._base.text import check_text
from tfnative.errors import NotFoundError
from tfnative.serving.channels.address import is_rest
from tfnative.serving.options import Breaker, Hedge, Options, Retry, Tls
from tfnative.serving.timeouts import seconds_of
from tfnative.serving.tracing.asked import client_traces, trace_headers
from tfnative.serving.types import (
    ModelMetadata,
    ModelSpec,
    ServedVersion,
    ServingState,
)

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from tfnative._signature import Signature

POLL_SECONDS = 0.1
"""How often to look whether a model is ready."""


class BaseClient(Initialized):
    """What clients that wait and clients that do not have in common."""

    def __init__(
        self,
        address: str | Sequence[str],
        *,
        tls: Tls | None = None,
        token_file: str | os.PathLike[str] | None = None,
        metadata: Mapping[str, str] | None = None,
        compression: Literal["gzip", "deflate"] | None = None,
        max_message_bytes: int = 1 << 30,
        keepalive_seconds: float | None = 30.0,
        timeout: float | None = 60.0,
        retry: Retry | None = None,
        breaker: Breaker | None = None,
        hedge: Hedge | None = None,
        traces: TracerProvider | bool | None = None,
    ) -> None:
        self.addresses = (address,) if isinstance(address, str) else tuple(address)
        for each in self.addresses:
            check_text("address", each)
        self._traces = client_traces(traces)
        self._options = Options(
            tls=tls,
            token_file=token_file,
            metadata=metadata or {},
            compression=compression,
            max_message_bytes=max_message_bytes,
            keepalive_seconds=keepalive_seconds,
            timeout=timeout,
            retry=retry or Retry(),
            breaker=breaker or Breaker(),
            hedge=hedge,
            trace_headers=None if self._traces is None else trace_headers(),
        )
        self._metadata: dict[tuple[ModelSpec, str], Signature] = {}

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} has connections and cannot be pickled or copied: "
            "make one in each process"
        )

    def _deadline(self, timeout: float | None) -> float | None:
        """When a call has to be over, on the monotonic clock.

        Raises:
            InvalidArgumentError: The timeout is no number, or not above 0.
        """
        seconds = seconds_of(self._options.timeout if timeout is None else timeout)
        return None if seconds is None else time.monotonic() + seconds

    @property
    def _needs_signatures(self) -> bool:
        return any(is_rest(address) for address in self.addresses)

    @staticmethod
    def _signature_key(spec: ModelSpec) -> tuple[ModelSpec, str]:
        """Under which what the server says of a signature is kept."""
        key = ModelSpec(spec.name, spec.version, spec.label)
        return key, spec.signature or "serving_default"

    @staticmethod
    def _named(found: ModelMetadata, spec: ModelSpec, name: str) -> Signature:
        if name in found.signatures:
            return found.signatures[name]
        raise NotFoundError(
            f"{spec}: there is no signature {name!r}, but {', '.join(found.signatures)}"
        )


def ready_version(found: Sequence[ServedVersion]) -> int | None:
    """The newest version that takes requests."""
    for each in found:
        if each.state is ServingState.AVAILABLE:
            return each.version
    return None


def describe(found: Sequence[ServedVersion]) -> str:
    """Where versions stand, in a line."""
    return ", ".join(f"{each.version} {each.state}" for each in found)
