# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""One process that has loaded XLA, for all that the tests of this process compile.

``tfnative.compile`` starts one for each call, which takes a third of the time of a
small model. The first call here does so, too, as do programs that tests start.
"""

from __future__ import annotations

import atexit
import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

_PIPELINE = "tfnative_aot.pipeline"


class _Borrowed(AbstractContextManager["_Borrowed"]):
    """What ``start_server`` gives, which lives on when it is closed."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def __exit__(self, *raised: object) -> None:
        """Leaves it running."""

    def close(self) -> None:
        """Leaves it running."""

    def run(self, job: Path, output: Path) -> int:
        code: int = self._server.run(job, output)
        return code


def share_fork_server() -> None:
    """Has the compiler use one, from now on; does nothing before it is imported."""
    pipeline: Any = sys.modules.get(_PIPELINE)
    if pipeline is None or isinstance(pipeline.start_server, functools.partial):
        return
    pipeline.start_server = functools.partial(_borrow, pipeline.start_server, [])


def _borrow(start: Callable[[], Any], running: list[Any]) -> _Borrowed:
    if running and running[0]._process.poll() is not None:
        running.clear()
    if not running:
        running.append(start())
        atexit.register(running[0].close)
    return _Borrowed(running[0])
