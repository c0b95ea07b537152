# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Shows how far a compilation is: a live display on a terminal, else plain lines."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO


class Progress(Protocol):
    """What the pipeline reports to. Called from several threads."""

    def stage(self, name: str, total: int = 0) -> None:
        """A stage begins; ``total`` is how many parts it has, 0 if one."""

    def advance(self, what: str) -> None:
        """A part of the current stage is done."""

    def finish(self) -> None:
        """The last stage is done."""


class Silent:
    """Shows nothing."""

    def finish(self) -> None:
        """See Progress."""

    def stage(self, name: str, total: int = 0) -> None:
        """See Progress."""

    def advance(self, what: str) -> None:
        """See Progress."""


class PlainLines:
    """A line per stage and part, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start = time.monotonic()
        self._done = 0
        self._total = 0
        self._lock = threading.Lock()

    def stage(self, name: str, total: int = 0) -> None:
        """See Progress."""
        with self._lock:
            self._done, self._total = 0, total
            self._print(name)

    def advance(self, what: str) -> None:
        """See Progress."""
        with self._lock:
            self._done += 1
            self._print(f"  {self._done}/{self._total} {what}")

    def finish(self) -> None:
        """See Progress."""
        with self._lock:
            self._print("done")

    def _print(self, text: str) -> None:
        seconds = time.monotonic() - self._start
        # A disk that is full, or a reader that left, is no reason to fail.
        with contextlib.suppress(OSError, ValueError):
            print(f"[{seconds:6.1f}s] {text}", file=self._stream, flush=True)


@contextmanager
def terminal_progress(stream: TextIO | None = None) -> Iterator[Progress]:
    """A display on ``stream`` (standard error): live on a terminal, else lines.

    Nothing is shown where there is no standard error.
    """
    stream = stream or sys.stderr
    if stream is None:  # As in programs without a console.
        yield Silent()
        return
    if not stream.isatty():
        yield PlainLines(stream)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress as RichProgress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[what]}"),
        TimeElapsedColumn(),
    )
    with RichProgress(*columns, console=Console(file=stream)) as display:
        yield _Live(display)


class _Live:
    """A bar per stage."""

    def __init__(self, display: object) -> None:
        from rich.progress import Progress as RichProgress, TaskID

        assert isinstance(display, RichProgress)
        self._display = display
        self._task: TaskID | None = None
        self._lock = threading.Lock()

    def stage(self, name: str, total: int = 0) -> None:
        """See Progress."""
        with self._lock:
            self._finish()
            self._task = self._display.add_task(name, total=total or None, what="")

    def advance(self, what: str) -> None:
        """See Progress."""
        with self._lock:
            if self._task is not None:
                self._display.update(self._task, advance=1, what=what)

    def finish(self) -> None:
        """See Progress."""
        with self._lock:
            self._finish()

    def _finish(self) -> None:
        if self._task is not None:
            task = self._display.tasks[self._task]
            total = task.total or 1
            self._display.update(self._task, total=total, completed=total, what="")
