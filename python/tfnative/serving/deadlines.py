# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How much time calls have left, and when to try them again."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from tfnative.errors import DeadlineExceededError, Error, UnavailableError

if TYPE_CHECKING:
    from tfnative.serving.options import Retry


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
