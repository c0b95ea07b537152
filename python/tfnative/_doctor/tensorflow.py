# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's library and its devices, asked in a process that may crash."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from tfnative._base.log_lines import is_log_line

_PROGRAM = """\
import json, os, sys
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # What the library prints is no answer.
sys.path[:] = json.loads(sys.argv[1])
from tfnative.errors import Error
def say(**content):
    print(json.dumps(content), file=out, flush=True)
try:
    from tfnative._backends.tensorflow.model import devices, tensorflow_library
except ImportError:
    say(problem="this tfnative cannot run models with TensorFlow")
    sys.exit()
try:
    path, version = tensorflow_library()
    say(path=path, version=version)
    say(devices=[tuple(device) for device in devices()])
except Error as error:
    say(problem=str(error))
"""
TIMEOUT_SECONDS = 60.0
_LAST_LINES = 5


@dataclass(frozen=True)
class Device:
    """What TensorFlow can run models on.

    Attributes:
        name: TensorFlow's name.
        type: "CPU" or "GPU".
        memory_bytes: How much memory TensorFlow may take of it.
    """

    name: str
    type: str
    memory_bytes: int


@dataclass(frozen=True)
class Tensorflow:
    """TensorFlow's library, as this process would load it.

    Attributes:
        path: Its file, or "" if it cannot be opened.
        version: Its version, or "".
        devices: What it can run models on.
        problem: What is wrong with it, or "".
    """

    path: str
    version: str
    devices: tuple[Device, ...]
    problem: str

    @property
    def gpus(self) -> tuple[Device, ...]:
        """The GPUs among the devices."""
        return tuple(device for device in self.devices if device.type == "GPU")


def find_tensorflow(timeout: float = TIMEOUT_SECONDS) -> Tensorflow:
    """Opens the library in another process, and asks it for its devices."""
    with tempfile.TemporaryFile() as log, tempfile.TemporaryFile() as answer:
        try:
            done = subprocess.run(
                [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)],
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=log,
                timeout=timeout,
                check=False,
            )
            problem = _how_it_died(done.returncode, log) if done.returncode else ""
        except subprocess.TimeoutExpired:
            problem = f"it did not answer within {timeout:.0f} seconds"
        except OSError as error:
            problem = (
                f"cannot start {sys.executable or 'a Python interpreter'}: {error}"
            )
        answer.seek(0)
        said = _merged(answer.read().decode(errors="replace").splitlines())
    return Tensorflow(
        path=said.get("path", ""),
        version=said.get("version", ""),
        devices=tuple(Device(*device) for device in said.get("devices", ())),
        problem=problem or said.get("problem", ""),
    )


def _merged(lines: Iterable[str]) -> Mapping[str, Any]:
    said: dict[str, Any] = {}
    for line in lines:
        try:
            said.update(json.loads(line))
        except ValueError:  # It died while it wrote.
            break
    return said


def _how_it_died(code: int, log: IO[bytes]) -> str:
    how = f"failed with exit code {code}"
    if code < 0:
        how = f"was ended by {signal.Signals(-code).name}"
    log.seek(0)
    text = log.read().decode(errors="replace").strip()
    lines = [line for line in text.splitlines() if not is_log_line(line)]
    return "\n".join([f"the process that opened it {how}", *lines[-_LAST_LINES:]])
