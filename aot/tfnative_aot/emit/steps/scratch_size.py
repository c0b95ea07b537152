# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How a step says what memory of its own it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scratch:
    """What a step needs.

    Attributes:
        text: As many bytes, in C.
        fixed: The same in bytes, without pointers.
        pointers: And how many pointers.
    """

    text: str
    fixed: int
    pointers: int = 0
