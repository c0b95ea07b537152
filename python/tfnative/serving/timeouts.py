# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Timeouts as callers give them."""

from __future__ import annotations

import math
import operator
from numbers import Real

from tfnative.errors import InvalidArgumentError

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
