# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""When requests come."""

from __future__ import annotations

import random


def poisson(
    per_second: float, count: int, rows: int, seed: int
) -> list[tuple[int, int]]:
    """So many requests at random moments, independent of each other.

    Args:
        per_second: How many come on average.
        count: How many.
        rows: Of each.
        seed: Of chance.

    Returns:
        Microseconds from the start, ascending, and rows.
    """
    chance = random.Random(seed)
    found, now = [], 0.0
    for _ in range(count):
        now += chance.expovariate(per_second) * 1e6
        found.append((round(now), rows))
    return found
