# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How a client behaves: connections, retries, circuit breaker, hedging."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Literal

from tfnative._base.numbers import finite_number
from tfnative.errors import InvalidArgumentError, NotFoundError
from tfnative.serving.timeouts import MOST_SECONDS, seconds_of

INT_MAX = 2**31 - 1
"""gRPC counts bytes and milliseconds in such numbers."""

Path_ = str | os.PathLike[str]


@dataclass(frozen=True)
class Tls:
    """How a connection is made safe. Files are PEM.

    A client looks at the files when it makes a call: when they have changed, new calls
    go over a new connection. If what is new cannot be used, the old ones stay.

    Attributes:
        ca_file: Certificates of who may have signed the server's. Default: those of the
            system.
        certificate_file: The client's certificate, where the server asks for one.
        key_file: And its private key.
        server_name: The name that the server's certificate has, if it is not that of
            the address.

    Raises:
        InvalidArgumentError: There is a certificate and no key, or the other way round.
        NotFoundError: A file is not there.
    """

    ca_file: Path_ | None = None
    certificate_file: Path_ | None = None
    key_file: Path_ | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        if (self.certificate_file is None) != (self.key_file is None):
            raise InvalidArgumentError(
                "Tls: expected certificate_file and key_file, or neither"
            )
        for name in ("ca_file", "certificate_file", "key_file"):
            path = getattr(self, name)
            if path is not None and not Path(path).is_file():
                raise NotFoundError(f"Tls: {name}: there is no file {path}")

    @property
    def files(self) -> tuple[str, ...]:
        """Those that are given, to look at for changes."""
        given = self.ca_file, self.certificate_file, self.key_file
        return tuple(os.fspath(path) for path in given if path is not None)


@dataclass(frozen=True)
class Retry:
    """When a call is tried again: on UnavailableError only, and before its deadline.

    Attributes:
        max_attempts: All attempts, the first one included; 1 for none but that.
        initial_delay_seconds: The longest delay before the second attempt. A delay is
            by chance between none and the longest, so that clients that failed together
            do not come back together.
        multiplier: How much longer the delay may be after each attempt.
        max_delay_seconds: How long it may get.

    Raises:
        InvalidArgumentError: A number is out of range.
    """

    max_attempts: int = 3
    initial_delay_seconds: float = 0.02
    multiplier: float = 2.0
    max_delay_seconds: float = 1.0

    def __post_init__(self) -> None:
        _whole("Retry", "max_attempts", self.max_attempts, 1)
        _delay("Retry", "initial_delay_seconds", self.initial_delay_seconds)
        _at_least("Retry", "multiplier", self.multiplier, 1)
        _delay("Retry", "max_delay_seconds", self.max_delay_seconds)

    def longest_delay(self, attempts: int) -> float:
        """The longest delay in seconds after so many attempts."""
        try:
            grown = self.initial_delay_seconds * self.multiplier ** (attempts - 1)
        except OverflowError:
            return self.max_delay_seconds
        return min(grown, self.max_delay_seconds)


@dataclass(frozen=True)
class Breaker:
    """When an address is given up for a while.

    Attributes:
        failures: After so many UnavailableErrors or passed deadlines in a row it takes
            no more calls; 0 to never give up.
        seconds: How long. Then one call tries it: if that is answered, all may.

    Raises:
        InvalidArgumentError: A number is out of range.
    """

    failures: int = 5
    seconds: float = 1.0

    def __post_init__(self) -> None:
        _whole("Breaker", "failures", self.failures, 0)
        _at_least("Breaker", "seconds", self.seconds, 0)


@dataclass(frozen=True)
class Hedge:
    """When the same call is sent once more, without waiting for it to fail.

    For calls without side effects, as all predictions are. The first answer counts.

    Attributes:
        delay_seconds: After so long without an answer; about the 95th percentile of the
            latency is a good choice.
        max_calls: How many are on their way at most, the first one included.

    Raises:
        InvalidArgumentError: A number is out of range.
    """

    delay_seconds: float
    max_calls: int = 2

    def __post_init__(self) -> None:
        _delay("Hedge", "delay_seconds", self.delay_seconds)
        _whole("Hedge", "max_calls", self.max_calls, 2)


@dataclass(frozen=True)
class Options:
    """Everything that can be said of a client. See ``Client``.

    Attributes not described there:
        trace_headers: What to send beside with a call, of the thread or task that sends
            it; None if there are no traces.
    """

    tls: Tls | None = None
    token_file: Path_ | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    compression: Literal["gzip", "deflate"] | None = None
    max_message_bytes: int = 1 << 30
    keepalive_seconds: float | None = 30.0
    timeout: float | None = 60.0
    retry: Retry = field(default_factory=Retry)
    breaker: Breaker = field(default_factory=Breaker)
    hedge: Hedge | None = None
    trace_headers: Callable[[], Sequence[tuple[str, str]]] | None = None

    def __post_init__(self) -> None:
        if self.compression not in (None, "gzip", "deflate"):
            raise InvalidArgumentError(
                f"compression: expected 'gzip', 'deflate' or None, got"
                f" {self.compression!r}"
            )
        names = {name.lower() for name in self.metadata}
        if self.token_file is not None and "authorization" in names:
            raise InvalidArgumentError(
                "Client: expected token_file or an authorization in metadata, not both"
            )
        _whole("Client", "max_message_bytes", self.max_message_bytes, 1)
        if self.max_message_bytes > INT_MAX:
            raise InvalidArgumentError(
                f"Client: max_message_bytes must be below 2^31, got"
                f" {self.max_message_bytes}"
            )
        if self.keepalive_seconds is not None:
            _at_least("Client", "keepalive_seconds", self.keepalive_seconds, 1)
        seconds_of(self.timeout)


def _whole(what: str, name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InvalidArgumentError(
            f"{what}: {name} must be a whole number, got {value!r:.100}"
        )
    _at_least(what, name, value, least)


def _delay(what: str, name: str, value: object) -> None:
    _at_least(what, name, value, 0)
    if value > MOST_SECONDS:  # type: ignore[operator]
        raise InvalidArgumentError(
            f"{what}: {name} must be at most {MOST_SECONDS}, got {value}"
        )


def _at_least(what: str, name: str, value: object, least: float) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidArgumentError(
            f"{what}: {name} must be a number, got {value!r:.100}"
        )
    number = finite_number(value)
    if number is None or number < least:
        raise InvalidArgumentError(
            f"{what}: {name} must be finite and at least {least}, got {value!r:.100}"
        )
