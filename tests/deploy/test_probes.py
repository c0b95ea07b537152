# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Real servers, with the very arguments of the manifests, answer the probes."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

for package in ("grpc", "grpc_health", "httpx", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

import tfnative  # noqa: E402
from tests.deploy.manifests import SERVERS, built, of_kind  # noqa: E402
from tests.deploy.pod import Pod, config_files, get, rewritten  # noqa: E402
from tests.python.conftest import NAP, build_fake, manifest  # noqa: E402
from tests.python.serving.server.served_process import serve_process  # noqa: E402

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
NAP_SECONDS = 3
ROWS = np.ones((2, 3), np.float32)
Start = Callable[[str, Mapping[str, Path]], Pod]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Pod] = []

    def start_one(overlay: str, paths: Mapping[str, Path]) -> Pod:
        started.append(Pod(overlay, paths))
        return started[-1]

    yield start_one
    for pod in started:
        pod.server.kill()


def test_servers_of_all_overlays_are_among_those_that_are_started():
    """Their arguments: only where models come from differs."""
    tried = {arguments("overlays/volume"), arguments("overlays/monitored")}
    assert {arguments(overlay) for overlay in SERVERS} == tried


def arguments(overlay: str) -> tuple[str, ...]:
    (deployment,) = of_kind(built(overlay), "Deployment")
    return tuple(deployment["spec"]["template"]["spec"]["containers"][0]["args"])


@pytest.mark.parametrize("overlay", ["overlays/volume", "overlays/monitored", "kserve"])
def test_a_server_that_has_loaded_passes_all_probes_and_predicts(
    overlay: str, start: Start, models: Path, tmp_path: Path
):
    paths = {"/models": models, "/mnt/models": models / "digits"}
    if overlay == "overlays/monitored":
        paths["/etc/tfnative"] = config_files(overlay, "tfnative-batching", tmp_path)
    pod = start(overlay, paths)
    assert {kind: pod.passes(kind) for kind in PROBES} == dict.fromkeys(PROBES, True)
    for address in (pod.server.grpc, pod.server.rest):
        with tfnative.serving.Client(address) as client:
            found = client.predict("digits", {"x": ROWS}, signature="affine")
        np.testing.assert_array_equal(found["y"], 2 * ROWS + 2)
    assert pod.end() == 0


def test_a_server_that_ends_is_alive_and_not_ready_and_answers_what_it_has(
    start: Start, tmp_path: Path
):
    version = tmp_path / "digits" / "1"
    version.mkdir(parents=True)
    build_fake(version, json.dumps(manifest()), nap_seconds=NAP_SECONDS)
    pod = start("overlays/volume", {"/models": tmp_path})
    answers: list[np.ndarray] = []
    rows = np.full((1, 3), NAP, np.float32)

    def ask() -> None:
        with tfnative.serving.Client(pod.server.rest) as client:
            found = client.predict("digits", {"x": rows}, signature="affine")
            answers.append(found["y"])

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(NAP_SECONDS / 3)
    pod.server.tell()
    wait_until(lambda: not pod.passes("readinessProbe"))
    assert thread.is_alive()
    assert pod.passes("livenessProbe")
    assert not pod.passes("startupProbe")
    thread.join()
    assert pod.server.wait() == 0
    np.testing.assert_array_equal(answers, [2 * rows + 1])
    assert not pod.passes("livenessProbe")


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + NAP_SECONDS / 2
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_server_that_loads_answers_no_probe_but_runs(tmp_path: Path):
    """So that no probe but the first, which has patience, may be made meanwhile."""
    version = tmp_path / "digits" / "1"
    version.mkdir(parents=True)
    build_fake(version, json.dumps(manifest()), nap_seconds=NAP_SECONDS)
    x = np.full((1, 3), NAP, np.float32)  # With which its selftest takes long.
    golden = {"input:x": x, "output:y": 2 * x + 1}
    np.savez(version / "golden" / "affine.npz", **golden)
    ports = free_ports()
    flags = [f"--port={ports[0]}", f"--rest-port={ports[1]}", "--json"]
    process = serve_process(str(tmp_path / "digits"), *flags)
    try:
        url = f"http://localhost:{ports[1]}/livez"
        until = time.monotonic() + NAP_SECONDS / 2
        while time.monotonic() < until:
            assert get(url)[0] == 0
            time.sleep(0.1)
        assert process.poll() is None
        assert process.stdout.readline()  # Says where it listens.
        assert get(url)[0] == 200
    finally:
        process.kill()
        process.communicate()


def free_ports() -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]


def test_the_init_container_copies_what_the_server_is_told_to_serve(
    start: Start, models: Path, tmp_path: Path
):
    (deployment,) = of_kind(built("overlays/init-container"), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["initContainers"]
    paths = {"/models": tmp_path, "/model": models}
    command = [rewritten(word, paths) for word in container["command"]]
    subprocess.run(command, check=True)
    pod = start("overlays/init-container", {"/models": tmp_path})
    assert pod.passes("readinessProbe")
