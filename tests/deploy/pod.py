# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server as a pod would run it: a manifest's own arguments, with paths of here."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.deploy.manifests import Resource, built, of_kind, servers
from tests.python.serving.server.served_process import ServedProcess

SECONDS = 10
NOT_OURS = ("--host=", "--port=", "--rest-port=")
"""What this machine chooses: any free port, and nobody else reaches it."""


class Pod:
    """One that runs.

    Args:
        overlay: Which pod of which overlay.
        paths: Where the folders are that its arguments name.
    """

    def __init__(self, overlay: str, paths: Mapping[str, Path]) -> None:
        ((_, self.container),) = servers(built(overlay))
        self.arguments = [
            rewritten(argument, paths)
            for argument in self.container["args"]
            if not argument.startswith(NOT_OURS)
        ]
        assert len(self.container["args"]) - len(self.arguments) == len(NOT_OURS)
        self.server = ServedProcess(*self.arguments)
        chosen = (self.server.port, self.server.rest_port)
        flags = ("--port=", "--rest-port=")
        self._ports: dict[int | str, int] = {}
        for flag, port in zip(flags, chosen, strict=True):
            (own,) = [a for a in self.container["args"] if a.startswith(flag)]
            self._ports[int(own.removeprefix(flag))] = port
        for port in self.container.get("ports", ()):
            self._ports[port["name"]] = self._ports[port["containerPort"]]

    def port(self, of: int | str) -> int:
        """Where something listens here that the manifest names."""
        return self._ports[of]

    def passes(self, kind: str) -> bool:
        """Whether a probe would succeed, as Kubernetes makes it."""
        probe = self.container[kind]
        if "grpc" in probe:
            return self._grpc(probe["grpc"])
        where = probe["httpGet"]
        url = f"http://localhost:{self.port(where['port'])}{where['path']}"
        return get(url)[0] in range(200, 400)

    def _grpc(self, probe: Resource) -> bool:
        address = f"localhost:{self.port(probe['port'])}"
        with grpc.insecure_channel(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            request = health_pb2.HealthCheckRequest(service=probe.get("service", ""))
            try:
                answer = stub.Check(request, timeout=SECONDS)
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def metrics(self) -> str:
        """What Prometheus would get where the manifests let it look."""
        status, text = get(f"{self.server.rest}/metrics")
        assert status == 200
        return text

    def end(self) -> int:
        """Its exit code, after SIGTERM."""
        self.server.tell(signal.SIGTERM)
        return self.server.wait()


def get(url: str) -> tuple[int, str]:
    """Status and text; status 0 if nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def rewritten(argument: str, paths: Mapping[str, Path]) -> str:
    """An argument with the path of here, where it begins with one of a pod's."""
    head, sign, value = argument.rpartition("=")
    for theirs, ours in paths.items():
        if f"{value}/".startswith(f"{theirs}/"):
            return f"{head}{sign}{ours}{value.removeprefix(theirs)}"
    return argument.replace("{{.Name}}", "digits")


def config_files(overlay: str, name: str, folder: Path) -> Path:
    """Writes the files of a ConfigMap, as they are mounted, and returns the folder."""
    maps: list[Any] = of_kind(built(overlay), "ConfigMap")
    (one,) = [m for m in maps if m["metadata"]["name"].startswith(name)]
    for file, text in one["data"].items():
        (folder / file).write_text(text)
    return folder
