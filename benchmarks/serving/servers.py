# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Servers to be compared: each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.batching.plan import Workload
from benchmarks.measure import child_environment

_SERVE = "import sys; from tfnative.cli import main; sys.exit(main(sys.argv[1:]))"


@dataclass(frozen=True)
class Contestant:
    """A server, and how it is asked.

    Attributes:
        api: "grpc" or "rest".
        command: What starts it, for a workload and a folder that it may write to.
    """

    api: str
    command: Callable[[Workload, Path], list[str]]


def _tensorflow(where: str) -> Callable[[Workload, Path], list[str]]:
    def command(workload: Workload, folder: Path) -> list[str]:
        del folder
        saved_model = str(workload.runtimes["tensorflow"].model)
        return ["-m", "benchmarks.serving.tensorflow_server", saved_model, where]

    return command


def _ours(*, is_batched: bool) -> Callable[[Workload, Path], list[str]]:
    def command(workload: Workload, folder: Path) -> list[str]:
        versions = folder / workload.model
        versions.mkdir(exist_ok=True)
        artifact = workload.runtimes["tfnative"].model
        assert artifact is not None
        with suppress(FileExistsError):
            (versions / "1").symlink_to(artifact.resolve())
        options = [str(versions), "--host=localhost", "--port=0", "--rest-port=0"]
        if is_batched:
            options.append("--enable-batching")
        return ["-c", _SERVE, "serve", *options, "--json"]

    return command


CONTESTANTS = {
    "tfnative serve": Contestant("grpc", _ours(is_batched=False)),
    "tfnative serve, batched": Contestant("grpc", _ours(is_batched=True)),
    "TensorFlow in the loop": Contestant("grpc", _tensorflow("loop")),
    "TensorFlow in threads": Contestant("grpc", _tensorflow("threads")),
    "tfnative serve, REST": Contestant("rest", _ours(is_batched=False)),
}
"""The REST API comes last: there is nothing to compare it with."""
REST_MODELS = ("digits", "cnn")
"""An image is megabytes of JSON."""


class RunningServer:
    """A contestant's process.

    Attributes:
        port: Where it answers; None if it does not.
        problem: Why not, or "".
    """

    def __init__(self, contestant: Contestant, workload: Workload) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - ends with us
        self.port: int | None = None
        self.problem = ""
        command = contestant.command(workload, Path(self._folder.name))
        self._process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=child_environment(),
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            key = "port" if contestant.api == "grpc" else "rest_port"
            self.port = json.loads(line)[key]
        else:
            self._process.wait()
            self._errors.seek(0)
            self.problem = (self._errors.read().strip() or "it ended").splitlines()[-1]

    def close(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.communicate()
        self._errors.close()
        self._folder.cleanup()
