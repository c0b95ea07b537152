# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while the command's process imports its modules: it ends without a traceback.

To be imported before all that takes long. In a program that uses tfnative it does
nothing: how that ends is the program's business.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType

_INTERRUPTED = 130


def _is_command() -> bool:
    """Whether this process is `tfnative`, or python -m tfnative."""
    if sys.argv[:1] == ["-m"]:  # As long as the package is imported.
        return not {"tfnative", "-mtfnative"}.isdisjoint(sys.orig_argv)
    return os.path.basename(sys.argv[0] if sys.argv else "") == "tfnative"


def _end(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        os._exit(_INTERRUPTED)
    sys.__excepthook__(kind, error, trace)


if _is_command():
    sys.excepthook = _end
