# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative serve` in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import IO, Any


class ServedProcess:
    """A server that has said where it listens.

    Attributes:
        process: Its process.
        port: Of gRPC.
        rest_port: Of REST.
        grpc: The address of its gRPC API.
        rest: The address of its REST API.
    """

    def __init__(self, *arguments: str, port: int = 0, rest_port: int = 0) -> None:
        command = ["--host=localhost", f"--port={port}", f"--rest-port={rest_port}"]
        self.process = serve_process(*command, "--json", *arguments)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        said = json.loads(line)
        self.port, self.rest_port = said["port"], said["rest_port"]
        self.grpc = f"localhost:{self.port}"
        self.rest = f"http://localhost:{self.rest_port}"

    def tell(self, number: int = signal.SIGTERM) -> None:
        """Tells it to end."""
        self.process.send_signal(number)

    def wait(self, seconds: float = 60) -> int:
        """Its exit code."""
        self.process.communicate(timeout=seconds)
        return self.process.returncode

    def kill(self) -> None:
        """Ends it, if it has not ended."""
        self.process.kill()
        self.process.communicate()


def serve_process(
    *arguments: str,
    stdout: int | IO[Any] = subprocess.PIPE,
    stderr: int | IO[Any] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Starts the command."""
    return subprocess.Popen(
        [sys.executable, "-m", "tfnative", "serve", *arguments],
        stdout=stdout,
        stderr=stderr,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
