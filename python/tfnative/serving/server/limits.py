# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a server takes from strangers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tfnative.errors import InvalidArgumentError

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
            of its answer.

    Raises:
        InvalidArgumentError: One is not above 0, or all requests together may have
            fewer bytes than one.
    """

    max_request_bytes: int = MAX_REQUEST_BYTES
    max_inflight_bytes: int = MAX_INFLIGHT_BYTES
    read_timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value > 0):
                raise InvalidArgumentError(f"{name} must be above 0, got {value}")
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
