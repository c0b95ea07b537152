# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps what TensorFlow logs out of what a command prints.

TensorFlow logs some lines as soon as its library is loaded, before it has read any
setting. So standard error goes through a filter: this file, run as a program, since one
that dies with the process would take its last words along.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

# How lines of TensorFlow and its libraries begin, but for those that say why the
# process ends.
_LOG_LINE = re.compile(
    r"WARNING: All log messages before absl::|"
    r"[IWE]\d{4} [\d:.]+\s+\d+ \S+:\d+\] |"
    r"\d{4}-\d\d-\d\d [\d:.]+: [IWE] |"
    r"To enable the following instructions: |"
    r"WARNING:tensorflow:"
)
_SECONDS_TO_END = 1.0


def is_log_line(line: str) -> bool:
    """Whether TensorFlow logged a line that does not say why the process ended."""
    return _LOG_LINE.match(line) is not None


@contextlib.contextmanager
def without_log_lines(stream_to: Callable[[int], TextIO]) -> Iterator[None]:
    """While it lasts, what this process and its libraries log does not show.

    Whatever else goes to standard error does, also if the process crashes. Python's own
    sys.stderr goes where it went. For processes that nobody else uses. Who asks
    TensorFlow for all that it logs, with TF_CPP_MIN_LOG_LEVEL=0, gets it.

    Args:
        stream_to: Makes what stands for sys.stderr, of the descriptor to write to.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    try:
        shown = os.dup(2)
        command = [sys.executable, "-I", "-S", __file__]
        # In a session of its own: it ends when there is nothing left to read.
        reader = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=shown, start_new_session=True
        )
    except OSError:  # There is no standard error, or no Python to start.
        yield
        return
    assert reader.stdin is not None
    before = sys.stderr
    sys.stderr.flush()
    sys.stderr = stream_to(shown)
    os.dup2(reader.stdin.fileno(), 2)
    reader.stdin.close()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(shown, 2)  # Which stays open: somebody may have kept the stream.
        sys.stderr = before
        with contextlib.suppress(subprocess.TimeoutExpired):
            reader.wait(_SECONDS_TO_END)  # Others may hold what it reads.


def main() -> None:
    """Copies standard input to standard output, without lines of TensorFlow's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        if not is_log_line(line.decode(errors="replace")):
            with contextlib.suppress(OSError):  # Nobody can be told.
                os.write(1, line)


if __name__ == "__main__":
    main()
