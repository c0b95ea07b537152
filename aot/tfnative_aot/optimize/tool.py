# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The Graph Transform Tool, of which not even a crash reaches this process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import IO

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative.errors import CompileError
from tfnative_aot.machines.process_end import describe_end, last_lines
from tfnative_aot.optimize.tool_worker import read_message, write_message

_WORKER = "tfnative_aot.optimize.tool_worker"
_MOST_SECONDS = 300.0


class Tool:
    """A process with the tool. It starts when needed, and anew after a crash.

    Not to be used by several threads at once. Ends with its ``with`` block, and when
    this process does.
    """

    def __init__(self, most_seconds: float = _MOST_SECONDS) -> None:
        """Starts nothing yet.

        Args:
            most_seconds: How long one transform may take. Those of the largest models
                take seconds.
        """
        self._most_seconds = most_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def __enter__(self) -> Tool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """That of the process, if there is one."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Starts the process, so that it is ready sooner."""
        if self._process is not None:
            return
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - ends with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", _WORKER, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        )

    def transform(
        self,
        graph_def: GraphDef,
        inputs: Sequence[str],
        outputs: Sequence[str],
        transform: str,
    ) -> GraphDef:
        """Puts a graph through one transform.

        Args:
            graph_def: The graph.
            inputs: Names of the nodes that are fed.
            outputs: Names of the nodes that are fetched.
            transform: As the tool has it written.

        Raises:
            CompileError: The tool refuses the graph, does not come to an end, or its
                process ends; names the transform.
        """
        self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"inputs": [*inputs], "outputs": [*outputs], "transform": transform}
        is_late = threading.Event()
        try:
            with _killed_when_late(self._process, self._most_seconds, is_late):
                content = graph_def.SerializeToString()
                write_message(self._process.stdin, request, content)
                answer, result = read_message(self._process.stdout)
        except (BrokenPipeError, EOFError):
            if is_late.is_set():
                self.close()
                raise CompileError(
                    f"the Graph Transform Tool was ended at {transform}, which took "
                    f"longer than {self._most_seconds:g} seconds"
                ) from None
            end = self._how_it_ended()
            raise CompileError(
                f"the Graph Transform Tool {end[0]} at {transform}{end[1]}"
            ) from None
        if "error" in answer:
            raise CompileError(
                f"the Graph Transform Tool refuses {transform}: {answer['error']}"
            )
        return GraphDef.FromString(result)

    def close(self) -> None:
        """Ends the process. May be called again."""
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None
        assert process.stdout is not None
        process.kill()  # It has nothing to finish, and may still be loading.
        process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        if self._log is not None:
            self._log.close()

    def _how_it_ended(self) -> tuple[str, str]:
        """How, in words, and its last lines."""
        assert self._process is not None
        assert self._log is not None
        code = self._process.wait()
        self._log.seek(0)
        lines = last_lines(self._log.read().decode(errors="replace"))
        self.close()
        return describe_end(code), f". Its last lines:\n{lines}" if lines else ""


@contextlib.contextmanager
def _killed_when_late(
    process: subprocess.Popen[bytes], seconds: float, is_late: threading.Event
) -> Iterator[None]:
    """Ends a process that takes longer, which closes the pipes that are waited for."""

    def end() -> None:
        is_late.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
