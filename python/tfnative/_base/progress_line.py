# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""One line on a terminal that says what takes so long, and goes when it is done."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

_DELAY_SECONDS = 0.5


class ProgressLine:
    """Nothing is shown in the first half second, or where there is no terminal.

    Attributes:
        what: What is done, as "tfnative: compiling digits".
    """

    def __init__(self, what: str, stream: TextIO | None = None) -> None:
        self.what = what
        # Python programs without a console have none.
        stream = stream or sys.stderr
        self._stream = stream if stream is not None and stream.isatty() else None
        self._begin = time.monotonic()
        self._stage = ""
        self._shown = False

    def clear(self) -> None:
        """Removes it."""
        if self._stream is not None and self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False

    def stage(
        self, name: str, done: int = 0, total: int = 0, *, at_once: bool = False
    ) -> None:
        """Says which part of it is under way."""
        self._stage = f"{name} {done}/{total}" if total else name
        self.tick(at_once=at_once)

    def tick(self, *, at_once: bool = False) -> None:
        """Shows how long it has taken; to be called a few times per second."""
        seconds = time.monotonic() - self._begin
        if self._stream is None or (seconds < _DELAY_SECONDS and not at_once):
            return
        text = f"{self.what}: {self._stage} ({seconds:.0f} s)"
        columns = shutil.get_terminal_size().columns
        self._stream.write(f"\r{text[: columns - 1]}\x1b[K")
        self._stream.flush()
        self._shown = True
