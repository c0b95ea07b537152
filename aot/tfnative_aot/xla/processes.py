# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs in processes of their own, forked from one that has loaded what all need.

Starting a Python that imports tfcompile takes as long as compiling a small variant. A
fork of a process that has imported it takes milliseconds, and is as separate.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

from tfnative.errors import CompileError
from tfnative_aot.machines.process_end import describe_end, last_lines
from tfnative_aot.xla import fork_server


class ForkServer:
    """A process that forks for each job; see ``fork_server``, which is its program.

    Making one returns at once, while the process loads. Any number of threads may run
    jobs at the same time; as many processes run as threads wait. There may be several
    servers, which know nothing of each other.
    """

    def __init__(self, script: str | os.PathLike[str]) -> None:
        """Starts the process.

        Args:
            script: File of the module whose ``main`` does the jobs.
        """
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - ends with us
        self._process = subprocess.Popen(
            [sys.executable, fork_server.__file__, os.fspath(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[int]] = {}
        self._started = 0
        self._end = ""  # How the server ended.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, job: Path, output: Path) -> int:
        """Does a job, and waits for it.

        Args:
            job: File that says what to do.
            output: File for what is printed.

        Returns:
            The exit code; if a signal ended it, the signal's negative number.

        Raises:
            CompileError: The server has ended. The message says how, and has its
                last lines.
        """
        done: Future[int] = Future()
        with self._lock:
            if self._end:
                raise CompileError(self._end)
            self._started += 1
            number = self._started
            self._waiting[number] = done
            request = {"id": number, "job": str(job), "output": str(output)}
            assert self._process.stdin is not None
            # If it is dead, the end of its output tells all that wait.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(json.dumps(request).encode() + b"\n")
                self._process.stdin.flush()
        return done.result()

    def close(self) -> None:
        """Ends the process with all that it runs. May be called again."""
        assert self._process.stdin is not None
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith(b"\n"):
                break  # It died writing.
            reply = json.loads(line)
            with self._lock:
                done = self._waiting.pop(reply["id"])
            done.set_result(reply["code"])
        end = self._how_it_ended()
        with self._lock:
            self._end = end
            left = tuple(self._waiting.values())
            self._waiting.clear()
        for done in left:
            done.set_exception(CompileError(end))

    def _how_it_ended(self) -> str:
        code = self._process.wait()
        self._log.seek(0)
        text = self._log.read().decode(errors="replace")
        return (
            f"what starts tfcompile {describe_end(code)}. Its last lines:\n"
            + last_lines(text)
        )
