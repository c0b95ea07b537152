# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A contestant in a process of its own: the side that asks benchmarks.worker."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import child_environment
from benchmarks.worker import RESULT


class ContestantProcess:
    """Loads a model, checks its answer, and is timed when it is told to.

    Attributes:
        contestant: Its name.
        problem: What went wrong, or "". After that there are no more numbers.
    """

    def __init__(
        self, contestant: str, model: Path, answer: Path, threads: int
    ) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", contestant]
        environment = {**child_environment(), "OMP_NUM_THREADS": str(threads)}
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - ends with us
        self._process = subprocess.Popen(
            [*command, str(model), str(answer), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
        )
        self.contestant = contestant
        self.problem = ""
        self._read()

    def round(self, seconds: float) -> list[float]:
        """Microseconds of the calls of one round."""
        if self.problem:
            return []
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """Ends the process."""
        with self._process:  # Closes both pipes, and waits.
            pass
        self._errors.close()

    def _read(self) -> list[float]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(RESULT):
                found: list[float] = json.loads(line.removeprefix(RESULT))
                return found
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        self.problem = lines[-1] if lines else f"it ended with exit code {code}"
        return []
