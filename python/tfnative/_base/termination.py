# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Signals that tell a process to end, as exceptions: what it made is taken away."""

from __future__ import annotations

import signal
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_ending: list[Terminated] = []


class Terminated(KeyboardInterrupt):
    """The process was told to end.

    It is a ``KeyboardInterrupt``, so that whoever ends processes or threads at Ctrl-C
    does so here, too.

    Attributes:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = signal.Signals(number)

    def is_last(self) -> None:
        """The process ends because of it, whatever more it is told."""
        _ending.append(self)


@contextmanager
def raised_signals() -> Iterator[None]:
    """Raises ``Terminated`` in the main thread at SIGTERM and SIGHUP.

    For a process that is ours: handlers of signals are the program's business. Signals
    that whoever started the process has set aside, as nohup does, stay so.

    Code that takes all exceptions may take this one, too, and go on. Then it is raised
    again at the next signal.
    """
    told: weakref.ref[Terminated] | None = None

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal told
        del frame
        # Who sends one often sends more, which must not disturb the tidying up: as
        # long as that goes on, somebody holds the exception.
        if told is None or told() is None:
            raised = Terminated(number)
            told = weakref.ref(raised)
            try:
                raise raised
            finally:
                del raised  # Else its own traceback would hold it.

    ours = [n for n in _SIGNALS if signal.getsignal(n) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
