# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A process of a cluster: started with a log of its own, and gone when its parent is.

It is a fork of a process that has imported TensorFlow (see `preload`), in which nothing
of TensorFlow has run yet: no thread, no device, no connection is shared.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.cluster.config import VARIABLE, Cluster
from training.errors import ClusterError, TrainingError

LOST_PEER = 75
"""Exit code of a member that gives up because another one is gone (EX_TEMPFAIL)."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Job:
    """What a member does.

    Attributes:
        cluster: With the member as its task.
        target: ``module:function``, which is called with the arguments and returns an
            exit code.
        arguments: Picklable.
        log: File to which standard output and error are appended.
        environment: Variables that are set besides ``TF_CONFIG``.
    """

    cluster: Cluster
    target: str
    arguments: tuple[Any, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``worker 0``, for people."""
        return str(self.cluster.task)


@dataclass
class Member:
    """A running or ended process. One thread, that of the supervisor, uses it."""

    job: Job
    process: Any
    log_begin: int = 0
    """Where in the log its lines begin, behind those of processes before it."""

    @property
    def pid(self) -> int:
        """Of the process."""
        pid: int = self.process.pid
        return pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number where one ended it."""
        code: int | None = self.process.exitcode
        return code

    @property
    def sentinel(self) -> int:
        """What `multiprocessing.connection.wait` waits for."""
        sentinel: int = self.process.sentinel
        return sentinel

    def kill(self) -> None:
        """Ends it at once, and waits until it has ended."""
        self.process.kill()
        self.process.join()

    def ended(self) -> str:
        """How it ended, in words."""
        code = self.exit_code
        if code is None:
            return "runs"
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        if code == LOST_PEER:
            return "gave up, since another member is gone"
        return "done" if code == 0 else f"failed with exit code {code}"

    def last_words(self) -> str:
        """The last line that it logged, which mostly says why it failed.

        TensorFlow may have more to say behind ours, of what it could not take away.
        """
        try:
            text = self.job.log.read_bytes()[self.log_begin :].decode(errors="replace")
        except OSError:
            return ""
        lines = text.strip().splitlines()
        ours = [line for line in lines if line.startswith("training: ")]
        return (ours or lines or [""])[-1][:300]


def start(job: Job) -> Member:
    """Starts a member.

    Raises:
        ClusterError: Its log cannot be written.
    """
    try:
        job.log.parent.mkdir(parents=True, exist_ok=True)
        job.log.open("a").close()
        log_begin = job.log.stat().st_size
    except OSError as error:
        raise ClusterError(
            f"{job.log} cannot be written ({error.strerror}): choose another folder "
            "with --run-folder"
        ) from error
    process = fork_server().Process(
        target=_main, args=(job,), name=job.name, daemon=True
    )
    process.start()
    return Member(job, process, log_begin)


def fork_server() -> Any:
    """The context in which processes are forks of one that has imported TensorFlow.

    Starts that one, if it does not run yet. Before Python 3.11.9 and 3.12.3 it has not
    the path of who starts it, and leaves out in silence what it cannot import.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{__package__}.preload"])
    path = os.environ.get("PYTHONPATH")
    root = str(Path(__file__).parents[2])
    os.environ["PYTHONPATH"] = os.pathsep.join([root, path] if path else [root])
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        if path is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = path
    return context


def die_with_starter() -> None:
    """Has the kernel end this process when the one that started it ends, however.

    That one holds the other end of a pipe, whose closing sends SIGIO here, which ends a
    process that does not handle it. The process that forked this one is no sign: it
    runs as long as one of its forks does. If it is killed, this one ends, too.
    """
    starter = multiprocessing.parent_process()
    assert starter is not None
    pipe = starter.sentinel
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if not starter.is_alive():
        os._exit(1)  # It ended before.


def _main(job: Job) -> None:
    """Runs in the member."""
    die_with_starter()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent decides.
    descriptor = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.update(job.environment)
    os.environ[VARIABLE] = job.cluster.to_json()
    module, _, function = job.target.partition(":")
    try:
        code = getattr(importlib.import_module(module), function)(*job.arguments)
    except TrainingError as error:
        print(f"training: {job.name}: {error}", file=sys.stderr)
        code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of TensorFlow's servers would keep the process.
    os._exit(code)
