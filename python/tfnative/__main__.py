# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The command in a process of its own: `tfnative`, and python -m tfnative."""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn

from tfnative.cli import main


def run() -> NoReturn:
    """Runs the command line, and ends the process with its exit code."""
    ending = _Ending()
    atexit.register(ending)  # The first that is registered is the last that is called.
    ending.code = main(owns_process=True)
    sys.exit(ending.code)


class _Ending:
    """Ends the process as soon as all is written and everybody has been told.

    What Python does after that is to take apart what the process has in memory, which
    takes a second where TensorFlow is.
    """

    code: int | None = None
    """Of the process; None where an exception ends it, which Python has to show."""

    def __call__(self) -> None:
        if self.code is None:
            return
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):  # Nobody reads any more, or one is closed.
            return
        os._exit(self.code)


if __name__ == "__main__":
    run()
