# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles a model in a process of its own, for one that must not import TensorFlow.

The first line of standard input is the job, and the end of it means that whoever wants
the model died. Standard output has a JSON object per line: what happens, and at the
end how it went.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from tfnative._base.termination import Terminated, raised_signals
from tfnative._compile.boundary import typed_errors
from tfnative._compile.options import CompileOptions
from tfnative.errors import CompileError, Error


class _Events:
    """A progress display that writes what it is told as lines of JSON."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._done = self._total = 0
        self.current = ""

    def stage(self, name: str, total: int = 0) -> None:
        """See Progress."""
        with self._lock:
            self.current, self._done, self._total = name, 0, total
            self._progress()

    def advance(self, what: str) -> None:
        """See Progress."""
        del what
        with self._lock:
            self._done += 1
            self._progress()

    def finish(self) -> None:
        """See Progress."""

    def say(self, content: Mapping[str, object]) -> None:
        """Writes an object."""
        self._stream.write(json.dumps(content) + "\n")
        self._stream.flush()

    def _progress(self) -> None:
        self.say({"stage": self.current, "done": self._done, "total": self._total})


def main(job: Mapping[str, Any]) -> None:
    """Compiles, and says how it went.

    Args:
        job: ``model``, ``output``, and the JSON of ``CompileOptions`` as ``options``.
    """
    events = _Events(_private_output())
    _die_with(os.getppid())
    try:
        with raised_signals(), typed_errors():
            signatures = _compile(job, events)
        answer: dict[str, object] = {"signatures": signatures}
    except Terminated as told:
        sys.exit(128 + told.number)  # TensorFlow has files to remove at exit, too.
    except Error as error:
        ops = error.ops if isinstance(error, CompileError) else ()
        kind = type(error).__name__
        answer = {"error": kind, "message": str(error), "ops": ops}
    except MemoryError:
        message = "out of memory while compiling"
        answer = {"error": "ResourceExhaustedError", "message": message, "ops": ()}
    events.say({**answer, "stage": events.current})


def _compile(job: Mapping[str, Any], events: _Events) -> list[str]:
    """Compiles, and returns the names of all of the model's signatures."""
    import tfnative_aot
    from tfnative_aot import adapters
    from tfnative_aot.load import saved_model

    adapters.import_lean()
    model, options = Path(job["model"]), CompileOptions.from_json(job["options"])
    tfnative_aot.compile(model, job["output"], options, events)
    graph = saved_model.meta_graph(saved_model.read(model), options.tags, model)
    return list(saved_model.signatures(graph, model))


def _private_output() -> TextIO:
    """Standard output for us alone; what libraries print goes to standard error."""
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return stream


def _die_with(parent: int) -> None:
    """Ends this process and all that it started when its parent is gone.

    They are a process group of their own.
    """

    def watch() -> None:
        while os.getppid() == parent:
            if select.select([sys.stdin], [], [], 1.0)[0]:
                break
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
