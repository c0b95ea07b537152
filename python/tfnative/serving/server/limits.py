# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a server takes from strangers."""

from __future__ import annotations

from dataclasses import dataclass

from tfnative._base.numbers import finite_number, whole_number
from tfnative.errors import InvalidArgumentError
from tfnative.serving.timeouts import MOST_SECONDS

MAX_REQUEST_BYTES = 256 << 20
MAX_INFLIGHT_BYTES = 1 << 30


@dataclass(frozen=True)
class RequestLimits:
    """How large requests may be, and how slow.

    Attributes:
        max_request_bytes: Of a request as it comes, of its body unfolded, and of the
            arrays that its inputs become.
        max_inflight_bytes: Of all requests that are dealt with at one moment: their
            bodies, and the arrays of their inputs.
        read_timeout_seconds: How long the head of a REST request may take to come, and
            its body, unless that comes steadily; and how long a client may read nothing
            of its answer. Also how long a connection may take to begin, with TLS or
            over gRPC.

    Raises:
        InvalidArgumentError: One is no number above 0, or all requests together may
            have fewer bytes than one.
    """

    max_request_bytes: int = MAX_REQUEST_BYTES
    max_inflight_bytes: int = MAX_INFLIGHT_BYTES
    read_timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in ("max_request_bytes", "max_inflight_bytes"):
            if (whole_number(getattr(self, name)) or 0) <= 0:
                raise InvalidArgumentError(
                    f"{name} must be above 0, and a whole number, got"
                    f" {getattr(self, name)!r:.100}"
                )
        check_seconds("read_timeout_seconds", self.read_timeout_seconds, above=0)
        # gRPC counts the bytes of a message in 32 bits.
        if self.max_request_bytes >= 1 << 31:
            raise InvalidArgumentError(
                f"max_request_bytes must be below 2^31, got {self.max_request_bytes}"
            )
        if self.max_inflight_bytes < self.max_request_bytes:
            raise InvalidArgumentError(
                f"max_inflight_bytes, {self.max_inflight_bytes}, must not be below"
                f" max_request_bytes, {self.max_request_bytes}"
            )

    @property
    def read_timeout_millis(self) -> int:
        """For gRPC, which counts so."""
        return max(1, round(1000 * self.read_timeout_seconds))


def check_seconds(name: str, value: object, above: float | None = None) -> None:
    """Checks a time that a server waits.

    Args:
        name: Of the option.
        value: Its value.
        above: What it has to be above. Default: it may be 0.

    Raises:
        InvalidArgumentError: It is no number, or none that can be waited for.
    """
    seconds = finite_number(value)
    least = 0.0 if above is None else above
    is_low = seconds is not None and (seconds < least or seconds == above)
    if seconds is None or is_low or seconds > MOST_SECONDS:
        low = "at least 0" if above is None else f"above {above}"
        raise InvalidArgumentError(
            f"{name} must be {low} and at most {MOST_SECONDS:g} seconds, got"
            f" {value!r:.100}"
        )
