# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs pytest in forks of a process that has imported what takes long.

Of a run of a few quick tests, importing TensorFlow is most. Nothing of ours is imported
before the fork: the packages are mutated.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

IMPORTED = ("numpy", "pytest", "tensorflow")


class Warm:
    """A process that forks. For one thread.

    Args:
        cwd: The folder in which tests run.
        environment: That of all runs.
    """

    def __init__(self, cwd: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # What was read, select would not see.
            stderr=subprocess.DEVNULL,
        )

    def run(
        self, arguments: Sequence[str], output: Path, limit_seconds: float
    ) -> int | None:
        """Runs pytest: its exit status, or None if it took too long."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = json.dumps({"arguments": list(arguments), "output": str(output)})
        self._process.stdin.write(f"{asked}\n".encode())
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        in_time = select.select([self._process.stdout], [], [], limit_seconds)[0]
        with contextlib.suppress(ProcessLookupError):
            if not in_time:
                os.killpg(child, signal.SIGKILL)
        status = int(self._process.stdout.readline())
        with contextlib.suppress(ProcessLookupError):  # What the tests have started.
            os.killpg(child, signal.SIGKILL)
        return status if in_time else None


def _serve() -> None:
    sys.path[0] = os.getcwd()  # As for python -m pytest.
    for name in IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    told = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        child = os.fork()
        if not child:
            os.close(told)
            _run(asked["arguments"], asked["output"])
        os.write(told, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _run(arguments: list[str], output: str) -> None:
    import pytest

    os.setsid()
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for number, place in enumerate((os.open(os.devnull, os.O_RDONLY), file, file)):
        os.dup2(place, number)
    sys.argv = ["pytest", *arguments]
    status = 3
    try:
        status = int(pytest.main(arguments))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve()
