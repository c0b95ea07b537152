# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What to say of a process that failed."""

from __future__ import annotations

import re
import signal

from tfnative._base.log_lines import is_log_line

_LAST_LINES = 20
# A frame's code is indented by four.
_OF_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|  File \"|    ")


def describe_end(code: int) -> str:
    """How a process ended, in words.

    Args:
        code: Its exit code; if a signal ended it, the signal's negative number.
    """
    if code == -signal.SIGKILL:
        return "was ended by SIGKILL, most often for lack of memory"
    if code < 0:
        return f"crashed with {_signal_name(-code)}"
    return f"failed with exit code {code}"


def last_lines(text: str) -> str:
    """The last lines that a process printed, each indented.

    Without what TensorFlow logs, and without places in our own code: of a traceback,
    the error is left.
    """
    lines = [
        line
        for line in text.strip().splitlines()
        if not is_log_line(line) and not _OF_TRACEBACK.match(line)
    ]
    return "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # A signal of real time.
        return f"signal {number}"
