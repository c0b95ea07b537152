# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a member says of its steps: in a file, for pictures, and in its log."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

from training.files import add_lines, read_lines

CURVE = "steps.jsonl"


@dataclass(frozen=True)
class Point:
    """A step, as the chief saw it.

    Attributes:
        step: Steps before and with it.
        seconds: Since 1970.
        loss: Of the rows of the step.
        staleness: How many steps of others came between reading the weights and
            changing them; 0 where all change them together.
    """

    step: int
    seconds: float
    loss: float
    staleness: int = 0


class Curve:
    """Adds the loss of each step to a file. One thread uses it."""

    def __init__(self, folder: Path | None) -> None:
        """Without a folder, nothing is kept."""
        self._path = folder / CURVE if folder is not None else None
        self._points: list[Point] = []

    def add(self, *points: Point) -> None:
        """Keeps points until `flush`."""
        if self._path is not None:
            self._points += points

    def flush(self) -> None:
        """Writes what was added."""
        if self._path is not None and self._points:
            add_lines(self._path, map(asdict, self._points))
            self._points.clear()


def read_curve(folder: Path) -> list[Point]:
    """The steps of a run, in the order in which the chief wrote them."""
    return [Point(**known) for known in read_lines(folder / CURVE)]


def say_begin(first_step: int, steps: int) -> None:
    """Notes in a member's log where it goes on."""
    print(f"begins at step {first_step} of {steps}", flush=True)


class Progress:
    """Says how far training is, at most every few seconds."""

    def __init__(self, steps: int, *, quiet: bool, every_seconds: float = 5.0) -> None:
        """Says nothing if ``quiet``."""
        self._steps = steps
        self._quiet = quiet
        self._every = every_seconds
        self._said = time.monotonic()

    def at(self, step: int, loss: float) -> None:
        """Called after a step."""
        now = time.monotonic()
        if self._quiet or now - self._said < self._every:
            return
        self._said = now
        print(f"step {step} of {self._steps}: loss {loss:.4f}", flush=True)
