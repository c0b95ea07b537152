# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative serve` serves, and ends as it should."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tfnative

for package in ("grpc", "grpc_health", "httpx", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tfnative import cli, serving  # noqa: E402

X = np.ones((1, 3), np.float32)


class Process:
    """The command, in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tfnative", "serve"),
                "--port=0",
                "--rest-port=0",
                "--json",
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.said = json.loads(line)
        self.grpc = f"localhost:{self.said['port']}"
        self.rest = f"http://localhost:{self.said['rest_port']}"

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        _, self.errors = self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def start(artifacts: dict[int, Path], tmp_path: Path) -> Iterator:
    folder = tmp_path / "affine"
    folder.mkdir()
    (folder / "1").symlink_to(artifacts[1])
    started = []

    def start(*arguments: str) -> Process:
        started.append(Process(*(arguments or (str(folder),))))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def test_it_serves_both_apis_and_ends_with_exit_code_0(start):
    server = start()
    assert server.said["models"] == ["affine"]
    for address in (server.grpc, server.rest):
        with serving.Client(address) as client:
            found = client.predict("affine", {"x": X}, signature="affine")
            assert found["y"].tolist() == [[3, 3, 3]]
    assert server.end() == 0


@pytest.mark.parametrize("api", ["rest", "grpc"])
def test_sighup_ends_it_like_sigterm_also_under_load(start, api):
    process = start()
    address = getattr(process, api)
    stopped = threading.Event()

    def ask() -> None:
        with serving.Client(address, retry=serving.Retry(max_attempts=1)) as client:
            while not stopped.is_set():
                try:
                    client.predict("affine", {"x": X}, signature="affine")
                except tfnative.UnavailableError:
                    stopped.wait(0.05)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        process.process.send_signal(signal.SIGHUP)
        _, errors = process.process.communicate(timeout=60)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    assert process.process.returncode == 0
    assert errors.splitlines()[-1] == "ended"


def test_sighup_that_was_set_aside_does_not_end_it(start):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start()
    finally:
        signal.signal(signal.SIGHUP, before)
    process.process.send_signal(signal.SIGHUP)
    with serving.Client(process.grpc) as client:
        assert client.predict("affine", {"x": X}, signature="affine")
    assert process.end() == 0


@pytest.mark.parametrize("name", ["", "a/b", "a:predict", "a\nb", "/"])
def test_a_name_that_no_path_can_have_is_refused(name, artifacts, tmp_path, capsys):
    command = ["serve", str(tmp_path), f"--name={name}", "--port=0", "--rest-port=0"]
    assert cli.main(command) == cli.USAGE
    assert "the name of a model must" in capsys.readouterr().err


def test_a_new_version_is_served_without_a_restart(start, artifacts, tmp_path):
    server = start(str(tmp_path / "affine"), "--poll-seconds", "0.1")
    with serving.Client(server.grpc) as client:
        assert client.wait_until_ready("affine") == 1
        (tmp_path / "affine" / "2").symlink_to(artifacts[2])
        assert client.wait_until_ready("affine", version=2, timeout=60) == 2
        found = client.predict("affine", {"x": X}, signature="affine")
        assert found["y"].tolist() == [[4, 4, 4]]


def test_requests_on_their_way_are_answered_before_it_ends(start, tmp_path):
    batching = tmp_path / "batching.txt"
    batching.write_text(
        "max_batch_size { value: 16 } batch_timeout_micros { value: 1500000 }"
        "num_batch_threads { value: 1 } max_enqueued_batches { value: 10 }"
    )
    server = start(
        str(tmp_path / "affine"), "--batching-parameters-file", str(batching)
    )
    answers: list[object] = []

    def ask(address: str) -> None:
        retry = serving.Retry(max_attempts=1)
        with serving.Client(address, retry=retry) as client:
            try:
                found = client.predict("affine", {"x": X}, signature="affine")
                answers.append(found["y"].tolist())
            except tfnative.Error as error:
                answers.append(error)

    threads = [
        threading.Thread(target=ask, args=(address,))
        for address in [server.grpc, server.rest] * 3
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.7)  # They wait for a batch now.
    assert server.end() == 0
    for thread in threads:
        thread.join()
    assert answers == [[[3, 3, 3]]] * 6


def test_a_config_file_says_what_to_serve(start, artifacts, tmp_path):
    (tmp_path / "affine" / "2").symlink_to(artifacts[2])
    config = tmp_path / "models.config"
    config.write_text(
        f"""model_config_list {{
          config {{
            name: "one" base_path: "{tmp_path / "affine"}" model_platform: "tensorflow"
            model_version_policy {{ specific {{ versions: 1 }} }}
          }}
          config {{
            name: "all" base_path: "{tmp_path / "affine"}"
            model_version_policy {{ all {{}} }}
            version_labels {{ key: "old" value: 1 }}
          }}
        }}"""
    )
    server = start("--model-config-file", str(config))
    with serving.Client(server.grpc) as client:
        assert [each.version for each in client.status("one")] == [1]
        assert [each.version for each in client.status("all")] == [2, 1]
        found = client.predict("all", {"x": X}, signature="affine", label="old")
        assert found["y"].tolist() == [[3, 3, 3]]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("model_config_list {", "Expected"),
        (
            "model_config_list { config { name: 'x' } }",
            "expected a name and a base_path",
        ),
        ("custom_model_config {}", "not supported"),
    ],
)
def test_a_config_file_that_is_wrong_is_refused(text, match, tmp_path, capsys):
    config = tmp_path / "models.config"
    config.write_text(text)
    assert cli.main(["serve", "--model-config-file", str(config)]) == 1
    assert match in capsys.readouterr().err


def test_what_cannot_be_served_is_said(tmp_path, capsys):
    assert cli.main(["serve"]) == cli.USAGE
    assert "expected MODEL_DIR" in capsys.readouterr().err
    assert cli.main(["serve", str(tmp_path)]) == 1
    assert "tfnative serve: error: " in capsys.readouterr().err


def test_a_certificate_without_a_key_is_refused(tmp_path, capsys):
    arguments = ["serve", str(tmp_path), "--tls-certificate", "server.pem"]
    assert cli.main(arguments) == cli.USAGE
    assert "expected --tls-certificate and --tls-key" in capsys.readouterr().err


def test_two_ways_to_give_a_certificate_are_refused(tmp_path, capsys):
    files = ["--tls-certificate", "server.pem", "--ssl-config-file", "ssl.config"]
    assert cli.main(["serve", str(tmp_path), *files]) == cli.USAGE
    assert "not both" in capsys.readouterr().err


def test_it_is_closed_unless_it_is_told_otherwise(start):
    server = start()
    config = serving.messages.ModelServerConfig()
    config.model_config_list.config.add(name="all", base_path="/")
    refused = pytest.raises(tfnative.PermissionDeniedError, match="allow-reload-config")
    with serving.Client(server.grpc) as client, refused:
        client.reload_config(config)
    assert server.end() == 0
    assert server.errors == "ended\n"


def test_it_says_that_it_is_open_and_asks_for_tokens(start, tmp_path):
    affine = str(tmp_path / "affine")
    server = start(affine, "--host=0.0.0.0")
    assert server.end() == 0
    assert "neither certificates nor tokens" in server.errors
    (tmp_path / "tokens").write_text("secret")
    server = start(affine, "--host=0.0.0.0", f"--token-file={tmp_path / 'tokens'}")
    for address in (server.grpc, server.rest):
        with serving.Client(address, token_file=tmp_path / "tokens") as client:
            assert client.wait_until_ready("affine") == 1
        refused = pytest.raises(tfnative.PermissionDeniedError, match="token")
        with serving.Client(address) as client, refused:
            client.status("affine")
    assert server.end() == 0
    assert server.errors == "ended\n"


def test_clients_reload_what_is_below_a_root(start, artifacts, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    shutil.copytree(artifacts[2], inside / "2")
    server = start(
        str(tmp_path / "affine"),
        "--allow-reload-config",
        f"--model-root={tmp_path / 'affine'}",
        f"--model-root={inside}",
    )
    config = serving.messages.ModelServerConfig()
    config.model_config_list.config.add(name="inside", base_path=str(inside))
    with serving.Client(server.grpc) as client:
        client.reload_config(config)
        found = client.predict("inside", {"x": X}, signature="affine")
        assert found["y"].tolist() == [[4, 4, 4]]
        (inside / "3").symlink_to(artifacts[1])
        config.model_config_list.config.add(name="again", base_path=str(inside))
        with pytest.raises(tfnative.PermissionDeniedError, match="may load models"):
            client.reload_config(config)


def test_a_log_that_nobody_reads_holds_nobody_up(start):
    """The server complains of requests that are none, more than a pipe takes."""
    server = start()
    for _ in range(3000):
        with socket.create_connection(("localhost", server.said["rest_port"])) as one:
            one.sendall(b"no request\r\n\r\n")
    with serving.Client(server.rest, timeout=30) as client:
        found = client.predict("affine", {"x": X}, signature="affine")
        assert found["y"].tolist() == [[3, 3, 3]]
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    assert server.process.stderr.read().count("Invalid HTTP request") > 1000


FULL = "/dev/full"


@pytest.mark.parametrize("where", ["full disk", "closed pipe", "closed"])
def test_a_log_that_cannot_be_written_changes_nothing(where, start, tmp_path):
    """The server serves, and its clean stop is one."""
    del start  # It makes the folder.
    port = _free_port()
    arguments = [
        *(sys.executable, "-m", "tfnative", "serve", str(tmp_path / "affine")),
        *("--host=localhost", "--port=0", f"--rest-port={port}"),
    ]
    server = _without_log(arguments, where)
    with serving.Client(f"http://localhost:{port}") as client:
        client.wait_until_ready("affine", timeout=60)
        found = client.predict("affine", {"x": X}, signature="affine")
        assert found["y"].tolist() == [[3, 3, 3]]
    server.send_signal(signal.SIGTERM)
    assert server.wait(60) == 0


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        return int(taken.getsockname()[1])


def _without_log(arguments: list[str], where: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    if where == "full disk":
        with open(FULL, "w") as full:
            return subprocess.Popen(
                arguments, stdout=full, stderr=full, env=environment
            )
    if where == "closed":
        closing = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *arguments]
        return subprocess.Popen(closing, env=environment)
    server = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    )
    server.stdout.close()
    return server
