# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How much time calls have left, and when to try them again."""

from __future__ import annotations

import math
import operator
import random
import time
from numbers import Real
from typing import TYPE_CHECKING

from tfnative.errors import (
    DeadlineExceededError,
    Error,
    InvalidArgumentError,
    UnavailableError,
)

if TYPE_CHECKING:
    from tfnative.serving.options import Retry

MOST_SECONDS = 20 * 24 * 3600.0
"""Of a timeout: sockets and gRPC count in fewer bits than a float has. Longer ones
are as good as none."""


def seconds_of(value: object) -> float | None:
    """A timeout as a number; None for as long as it takes, as for more than 20 days.

    Raises:
        InvalidArgumentError: It is no number, or not above 0.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidArgumentError(
            f"timeout must be a number of seconds, or None; got {value!r:.100}"
        )
    try:
        seconds = float(value)
    except OverflowError:  # An int of very many digits.
        seconds = -math.inf if operator.lt(value, 0) else math.inf
    if not seconds > 0:
        raise InvalidArgumentError(f"timeout must be above 0 seconds, got {seconds}")
    return None if seconds > MOST_SECONDS else seconds


def is_over(deadline: float | None, seconds: float) -> bool:
    """Whether it passes within so many seconds."""
    return deadline is not None and time.monotonic() + seconds > deadline


def left(deadline: float | None) -> float | None:
    """Seconds until then.

    Raises:
        DeadlineExceededError: There are none.
    """
    if deadline is None:
        return None
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise DeadlineExceededError("the deadline has passed")
    return seconds


def delay_after(
    error: Error, attempts: int, retry: Retry, deadline: float | None
) -> float | None:
    """How many seconds to wait before trying again; None for not at all."""
    if not isinstance(error, UnavailableError) or attempts >= retry.max_attempts:
        return None
    delay = random.uniform(0, retry.longest_delay(attempts))
    return None if is_over(deadline, delay) else delay
