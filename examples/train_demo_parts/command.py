# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs commands as a person would type them, and reads what they print."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

_NOISE = re.compile(r"WARNING: All log messages before absl|[IWE]\d{4} \d\d:")
"""TensorFlow says on each start that this machine has no GPU."""


class FailedError(Exception):
    """The demonstration cannot go on; the message says why."""


def training(*arguments: str | Path) -> tuple[str, ...]:
    """The command ``python -m training ARGUMENTS``."""
    return (sys.executable, "-m", "training", *map(str, arguments))


def show(*command: str) -> list[str]:
    """Runs a command in the project's root, and repeats each line that it prints.

    Returns:
        The lines, of standard output and error.

    Raises:
        FailedError: Its exit code is not 0.
    """
    _print(command)
    lines = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not _NOISE.match(line):
                print(f"  {line}", end="", flush=True)
                lines.append(line.rstrip("\n"))
    if process.returncode != 0:
        raise FailedError(_failure(command, process.returncode, lines))
    return lines


def ask(*command: str) -> Any:
    """Runs a command whose last line is JSON, and returns what that says.

    Raises:
        FailedError: Its exit code is not 0.
    """
    _print(command)
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise FailedError(
            _failure(command, done.returncode, done.stderr.strip().splitlines())
        )
    return json.loads(done.stdout.splitlines()[-1])


def _failure(command: tuple[str, ...], code: int, lines: list[str]) -> str:
    last = "; ".join(deque(filter(None, lines), maxlen=3)) or "nothing"
    return f"{shlex.join(command[1:])} ended with {code}, and said: {last}"


def _print(command: tuple[str, ...]) -> None:
    print("$", shlex.join([Path(command[0]).name, *command[1:]]), flush=True)
