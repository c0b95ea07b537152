# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers of Python's and NumPy's; truth values are none."""

from __future__ import annotations

import math
from numbers import Integral, Real


def whole_number(value: object) -> int | None:
    """The value, if it is a whole number, else None."""
    if isinstance(value, bool):
        return None
    return int(value) if isinstance(value, Integral) else None


def finite_number(value: object) -> float | None:
    """The value, if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
