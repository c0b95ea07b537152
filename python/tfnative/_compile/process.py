# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles in a process of its own.

So that a program that only wants to predict need not have TensorFlow in its memory,
and does not die of what TensorFlow dies of.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tfnative import errors
from tfnative._base.log_lines import is_log_line
from tfnative._base.progress_line import ProgressLine
from tfnative._compile.door import WORKER
from tfnative.errors import CompileError, Error, FailedPreconditionError

if TYPE_CHECKING:
    from tfnative._compile.options import CompileOptions

_PROGRAM = f"""\
import json, sys
job = json.loads(sys.stdin.buffer.raw.readline())
sys.path[:] = job["sys_path"]
from {WORKER} import main
main(job)
"""
_TICK_SECONDS = 0.25
_SECONDS_TO_END = 3.0
_LAST_LINES = 10


@dataclass(frozen=True)
class Outcome:
    """How it went.

    Attributes:
        signatures: The names of all of the model's signatures, compiled or not.
        error: What ``tfnative.compile`` raised, or None.
        stage: The stage of the compiler that it was raised in.
    """

    signatures: tuple[str, ...] = ()
    error: Error | None = None
    stage: str = ""


def compile_in_process(
    model: Path,
    output: Path,
    options: CompileOptions,
    line: ProgressLine,
    *,
    temporary: Path | None = None,
) -> Outcome:
    """As ``tfnative.compile``, in another process.

    Args:
        model: The SavedModel's folder.
        output: The artifact's folder.
        options: What is asked for.
        line: Shows how far it is.
        temporary: A folder for its temporary files, which it leaves there if it is
            killed. Default: the system's.

    Raises:
        FailedPreconditionError: The process cannot be started.
        InvalidArgumentError: The options have arrays, which it cannot be given.
    """
    job = {
        "model": os.fspath(model),
        "output": os.fspath(output),
        "options": options.to_json(),
        "sys_path": sys.path,
    }
    with tempfile.TemporaryFile() as log:
        process = _start(log, temporary)
        answer: dict[str, Any] | None = {}
        try:
            answer = _converse(process, job, line)
        finally:
            if answer == {}:  # Interrupted.
                _tell_to_end(process)
            _end(process, wait=answer is None)
        if answer is None:
            message = _how_it_died(process.returncode, log)
            return Outcome(error=CompileError(message))
    if "error" in answer:
        return Outcome(error=_error(answer), stage=answer["stage"])
    return Outcome(signatures=tuple(answer["signatures"]))


def _start(log: IO[bytes], temporary: Path | None) -> subprocess.Popen[bytes]:
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",  # It must not take the memory of GPUs.
    }
    if temporary is not None:
        environment["TMPDIR"] = os.fspath(temporary)
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,  # A process group, to end with all its children.
        )
    except OSError as error:
        raise FailedPreconditionError(
            f"cannot start {sys.executable or 'a Python interpreter'} to compile the "
            f"model: {error}"
        ) from error


def _converse(
    process: subprocess.Popen[bytes], job: Mapping[str, Any], line: ProgressLine
) -> dict[str, Any] | None:
    """Sends the job, shows progress; returns the answer, or None if there was none."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return None
    # Standard input stays open: its end would tell the process that we died.
    for message in _messages(process.stdout, line):
        if "done" not in message:
            return message
        line.stage(message["stage"], message["done"], message["total"])
    return None


def _messages(stream: IO[bytes], line: ProgressLine) -> Iterator[dict[str, Any]]:
    rest = b""
    while True:
        while not select.select([stream], [], [], _TICK_SECONDS)[0]:
            line.tick()
        block = os.read(stream.fileno(), 1 << 16)
        if not block:
            return
        *lines, rest = (rest + block).split(b"\n")
        for text in lines:
            yield json.loads(text)


def _tell_to_end(process: subprocess.Popen[bytes]) -> None:
    """Gives it a moment to remove its files."""
    # Not by methods of Popen, which would take its state away from ``_end``.
    os.kill(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + _SECONDS_TO_END
    state = os.WEXITED | os.WNOWAIT | os.WNOHANG
    while os.waitid(os.P_PID, process.pid, state) is None:
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes], *, wait: bool) -> None:
    """Ends it with all that it started; if told so, lets it end by itself before."""
    if wait:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def _error(answer: Mapping[str, Any]) -> Error:
    kind = getattr(errors, answer["error"], Error)
    if kind is CompileError:
        return CompileError(answer["message"], ops=answer["ops"])
    error: Error = kind(answer["message"])
    return error


def _how_it_died(code: int, log: IO[bytes]) -> str:
    how = f"failed with exit code {code}"
    if code < 0:
        how = f"was ended by {signal.Signals(-code).name}"
    log.seek(0, os.SEEK_END)
    log.seek(max(log.tell() - 10_000, 0))
    text = log.read().decode(errors="replace").strip()
    lines = [line for line in text.splitlines() if not is_log_line(line)]
    return f"the process that compiles {how}. Its last lines:\n" + "\n".join(
        f"  {line}" for line in lines[-_LAST_LINES:]
    )
