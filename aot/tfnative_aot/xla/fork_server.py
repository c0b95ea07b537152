# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A process that loads a library once, and forks for each job that needs it.

Run as a script with the path of a module that has two functions: ``prepare()`` loads
what all jobs need and starts no thread, since a fork has only the thread that forked;
``main(job)`` does a job. What forks is single: a job that crashes takes nothing else
along, and none sees what another changed.

Standard input has a JSON object per job: ``id``, ``job`` for ``main``, and ``output``,
the file for what it prints. Standard output has one per job that has ended: its ``id``
and its exit ``code``, which is the negative number of the signal that ended it. The end
of standard input ends everything: whoever wanted the jobs is done, or dead.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

_LOOK_FOR_PARENT_SECONDS = 1.0


class _Server:
    """Forks, and says how each fork ended."""

    def __init__(self, main: Callable[[str], None], replies: int) -> None:
        self._main = main
        self._replies = replies
        self._running: dict[int, int] = {}  # Numbers of jobs by process.
        self._parent = os.getppid()
        self._wakes, self._woken_by = os.pipe()
        os.set_blocking(self._wakes, False)
        os.set_blocking(self._woken_by, False)
        # A child that ends wakes the loop below; without a handler it would not.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken_by, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Until standard input ends, or the parent does."""
        try:
            for request in self._requests():
                self._start(**request)
        finally:
            for pid in self._running:
                os.kill(pid, signal.SIGKILL)
            for pid in self._running:
                os.waitpid(pid, 0)

    def _requests(self) -> Iterator[dict[str, Any]]:
        rest = b""
        while os.getppid() == self._parent:
            waited_for = [0, self._wakes]
            ready, _, _ = select.select(waited_for, [], [], _LOOK_FOR_PARENT_SECONDS)
            self._reap()
            if 0 not in ready:
                continue
            block = os.read(0, 1 << 16)
            if not block:
                return
            *lines, rest = (rest + block).split(b"\n")
            yield from map(json.loads, lines)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wakes, 1 << 10):
                pass
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._reply(self._running.pop(pid), os.waitstatus_to_exitcode(status))

    def _start(self, id: int, job: str, output: str) -> None:  # noqa: A002
        try:
            pid = os.fork()
        except OSError as error:
            with open(output, "w", encoding="utf-8") as file:
                file.write(f"cannot start a process: {error}")
            self._reply(id, 1)
            return
        if pid == 0:
            self._be_child(job, output)
        self._running[pid] = id

    def _reply(self, number: int, code: int) -> None:
        reply = json.dumps({"id": number, "code": code}) + "\n"
        os.write(self._replies, reply.encode())  # At once: it is short.

    def _be_child(self, job: str, output: str) -> NoReturn:
        """Does a job. Ends without what Python does at its end, which takes longer."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            # The pipes' ends would keep them open when the server is gone.
            for descriptor in (self._replies, self._wakes, self._woken_by):
                os.close(descriptor)
            _become(os.open(os.devnull, os.O_RDONLY), 0)
            written = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            _become(os.open(output, written, 0o600), 1, 2)
            self._main(job)
            code = 0
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)


def _become(opened: int, *descriptors: int) -> None:
    for descriptor in descriptors:
        os.dup2(opened, descriptor)
    os.close(opened)


def _load(script: str) -> Any:
    spec = importlib.util.spec_from_file_location("tfnative_forked", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(script: str) -> None:
    """Loads what jobs need, then forks for each until there are no more."""
    # An interrupt of a terminal goes to all of its processes; ours is told by its
    # parent, by the end of standard input, when it is really over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.dup(1)
    os.dup2(2, 1)  # What libraries print is no reply.
    module = _load(script)
    module.prepare()
    _Server(module.main, replies).serve()


if __name__ == "__main__":
    main(sys.argv[1])
