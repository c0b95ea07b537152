# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A contestant in a process of its own: the side that asks."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.arithmetic import FLOAT32
from benchmarks.measure import child_environment
from benchmarks.worker import RESULT


class WorkerProcess:
    """Answers lines on its standard input with results.

    A result is a line that begins with RESULT and goes on in JSON. The first one comes
    unasked, when the process is ready.

    Attributes:
        contestant: Its name.
        problem: What went wrong, or "". After that there are no more results.
        ready: The result that comes unasked; None if there is a problem.
    """

    def __init__(
        self,
        contestant: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - ends with us
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**child_environment(), **(environment or {})},
        )
        self.contestant = contestant
        self.problem = ""
        self.ready: Any = self._read()

    def ask(self, line: str) -> Any:
        """The result for a line; None if there is a problem."""
        if self.problem:
            return None
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # It has ended; why, is read below.
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """Ends the process."""
        with suppress(BrokenPipeError), self._process:  # Closes both pipes, and waits.
            pass
        self._errors.close()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(RESULT):
                return json.loads(line.removeprefix(RESULT))
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        self.problem = lines[-1] if lines else f"it ended with exit code {code}"
        return None


class ContestantProcess(WorkerProcess):
    """Loads a model, checks its answer, and is timed when it is told to.

    ``ready`` is the answer's signal to noise.
    """

    def __init__(
        self,
        contestant: str,
        model: Path,
        answer: Path,
        threads: int,
        precision: str = FLOAT32,
    ) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", contestant]
        command += [str(model), str(answer), str(threads), precision]
        super().__init__(contestant, command, {"OMP_NUM_THREADS": str(threads)})

    def round(self, seconds: float) -> list[float]:
        """Microseconds of the calls of one round."""
        return self.ask(str(seconds)) or []
