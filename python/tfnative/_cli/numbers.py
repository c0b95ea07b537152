# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers of the command line: what is out of range is a wrong command.

Each function makes what ``add_argument`` takes as a type.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, TypeVar

from tfnative._base.options.kinds import MOST, whole_numbers

T = TypeVar("T")

MOST_SECONDS = 20 * 24 * 3600
"""Nothing is measured or waited for longer: the system counts in too few bits."""
MOST_PORT = 65535


def seconds(*, or_zero: bool = False) -> Callable[[str], float]:
    """A time; above 0, or 0 as well."""
    return number(MOST_SECONDS, or_zero=or_zero)


def number(most: float, *, or_zero: bool = False) -> Callable[[str], float]:
    """A number, above 0, or 0 as well."""
    low = "from 0" if or_zero else "above 0"

    def fits(value: float) -> bool:
        return (value >= 0 if or_zero else value > 0) and value <= most

    return _checked(float, fits, f"a number {low} to {most:g}")


def whole(least: int, most: int = MOST) -> Callable[[str], int]:
    """A whole number."""
    return _checked(
        int,
        lambda value: least <= value <= most,
        f"a whole number in {least} to {most}",
    )


def wholes(least: int, most: int = MOST) -> Callable[[str], list[int]]:
    """Whole numbers with commas between them."""
    return _checked(
        whole_numbers,
        lambda values: all(least <= value <= most for value in values),
        f"whole numbers in {least} to {most}, as in 1,8,32",
    )


def _checked(
    parse: Callable[[str], T], fits: Callable[[T], bool], expected: str
) -> Callable[[str], T]:
    def read(text: str) -> T:
        try:
            value: Any = parse(text)
        except (ValueError, argparse.ArgumentTypeError):
            value = None
        if value is None or not fits(value):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r:.60}")
        return value  # type: ignore[no-any-return]

    return read


port = whole(0, MOST_PORT)
"""Where to listen; 0 for any port."""
