# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers that options take, checked where they are read."""

from __future__ import annotations

import argparse

_MOST = 2**31 - 1
"""What TensorFlow and NumPy take for seeds, sizes and counts."""
_FEW = 1_000


def positive(text: str) -> int:
    """A whole number of at least 1 that fits 32 bits."""
    return _whole(text, 1)


def natural(text: str) -> int:
    """A whole number of at least 0 that fits 32 bits."""
    return _whole(text, 0)


def few(text: str) -> int:
    """How many processes or devices, each of which costs memory: 1 to 1,000."""
    return _whole(text, 1, _FEW)


def _whole(text: str, least: int, most: int = _MOST) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a whole number of at least {least}, not {text}"
        ) from None
    if number < least:
        raise argparse.ArgumentTypeError(f"must be at least {least}, not {text}")
    if number > most:
        raise argparse.ArgumentTypeError(f"must be at most {most}, not {text}")
    return number


def rate(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text}")
    return number
