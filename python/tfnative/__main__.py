# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The command in a process of its own: `tfnative`, and python -m tfnative."""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn

from tfnative._base.termination import raised_signals
from tfnative._cli import streams
from tfnative.cli import FAILURE, main


def run() -> NoReturn:
    """Runs the command line, and ends the process with its exit code."""
    streams.prepare()
    ending = _Ending()
    atexit.register(ending)  # The first that is registered is the last that is called.
    with raised_signals():
        ending.code = _main()
    sys.exit(ending.code)


def _main() -> int:
    """The exit code, also of what ends with its usage or its help."""
    try:
        return main(owns_process=True)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else FAILURE


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
        code = self.code
        try:
            streams.flush()
        except BrokenPipeError:  # As in `tfnative inspect ... | head`.
            code = code or FAILURE
        except OSError as error:
            if code == 0:  # Else it has been said what is wrong.
                sys.stderr.write(f"tfnative: error: {error}\n")
                sys.stderr.flush()
            code = code or FAILURE
        os._exit(code)


if __name__ == "__main__":
    run()
