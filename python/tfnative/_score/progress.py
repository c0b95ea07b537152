# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How far a job is."""

from __future__ import annotations

import time

from tfnative._base.progress_line import ProgressLine


class Shown:
    """Says how far a job is, on a terminal. Used by one thread at a time.

    Attributes:
        done: Rows of this run.
    """

    def __init__(self, model: str, total: int | None) -> None:
        """Begins to count the time.

        Args:
            model: Its name.
            total: All rows, if it is known how many there are.
        """
        self._line = ProgressLine(f"tfnative: scoring with {model}")
        self._left = total
        self._begin = time.monotonic()
        self.done = 0

    def skip(self, rows: int) -> None:
        """Some rows were done in another run."""
        if self._left is not None:
            self._left -= rows

    def add(self, rows: int) -> None:
        """After some rows."""
        self.done += rows
        self.skip(rows)
        rate = max(1.0, self.rows_per_second)
        text = f"{self.done:,} rows, {rate:,.0f} a second"
        if self._left is not None:
            text += f", {self._left / rate:,.0f} s left"
        self._line.stage(text)

    @property
    def rows_per_second(self) -> float:
        """Of this run."""
        return self.done / max(time.monotonic() - self._begin, 1e-9)

    def clear(self) -> None:
        """Takes the line away."""
        self._line.clear()
