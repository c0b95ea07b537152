# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server that lives is not one that is ready, nor is one model another."""

from __future__ import annotations

import shutil
import threading
import time

import httpx
import pytest

from tfnative import serving
from tfnative.serving import messages
from tfnative.serving.server.config import ModelSettings

grpc = pytest.importorskip("grpc", reason="needs grpcio")
health_pb2 = pytest.importorskip(
    "grpc_health.v1.health_pb2", reason="needs grpcio-health-checking"
)
health_pb2_grpc = pytest.importorskip("grpc_health.v1.health_pb2_grpc")

Status = health_pb2.HealthCheckResponse
SERVING, NOT_SERVING = Status.SERVING, Status.NOT_SERVING


@pytest.fixture
def folder(tmp_path, artifacts):
    folder = tmp_path / "models" / "affine"
    folder.mkdir(parents=True)
    shutil.copytree(artifacts[1], folder / "1")
    return folder


@pytest.fixture
def running(serve, folder):
    settings = {"affine": ModelSettings("affine", str(folder), labels={"stable": 1})}
    return serve(
        settings,
        {"poll_seconds": 0.02},
        allow_reload_config=True,
        model_roots=(str(folder.parent),),
        drain_seconds=10,
    )


@pytest.fixture
def get(running):
    with httpx.Client(base_url=running.rest, timeout=20) as client:
        yield lambda path: client.get(path).status_code


@pytest.fixture
def stub(running):
    with grpc.insecure_channel(running.grpc) as channel:
        yield health_pb2_grpc.HealthStub(channel)


def check(stub, name: str) -> int:
    return stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=20).status


def until(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def reload(running, *names: str, folder=None) -> None:
    config = messages.ModelServerConfig()
    config.model_config_list.SetInParent()
    for name in names:
        config.model_config_list.config.add(name=name, base_path=str(folder))
    with serving.Client(running.grpc) as client:
        client.reload_config(config)


def test_a_server_with_its_models_is_ready(get, stub):
    for path in ("/healthz", "/livez", "/readyz", "/v1/models/affine/readyz"):
        assert get(path) == 200
    for of in ("versions/1", "labels/stable"):
        assert get(f"/v1/models/affine/{of}/readyz") == 200
    for name in ("", "affine"):
        assert check(stub, name) == SERVING


def test_what_is_not_there_is_not_ready(get, stub):
    for of in ("versions/9", "labels/none"):
        assert get(f"/v1/models/affine/{of}/readyz") == 503
    assert get("/v1/models/other/readyz") == 404
    with pytest.raises(grpc.RpcError) as raised:
        check(stub, "other")
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_model_without_versions_lives_and_is_not_ready(get, stub, folder, artifacts):
    shutil.rmtree(folder / "1")
    until(lambda: check(stub, "affine") == NOT_SERVING)
    until(lambda: check(stub, "") == NOT_SERVING)
    assert get("/v1/models/affine/readyz") == 503
    assert get("/readyz") == 503
    assert get("/healthz") == get("/livez") == 200
    shutil.copytree(artifacts[2], folder.parent / "2")
    (folder.parent / "2").rename(folder / "2")
    until(lambda: check(stub, "") == SERVING)
    assert get("/readyz") == get("/v1/models/affine/readyz") == 200
    assert get("/v1/models/affine/versions/1/readyz") == 503


def test_a_server_without_models_is_not_ready(get, stub, running, folder):
    reload(running)
    assert get("/readyz") == 503
    assert get("/livez") == 200
    assert get("/v1/models/affine/readyz") == 404
    until(lambda: check(stub, "") == NOT_SERVING)
    assert check(stub, "affine") == Status.SERVICE_UNKNOWN
    reload(running, "again", folder=folder)
    until(lambda: check(stub, "") == SERVING)
    assert check(stub, "again") == SERVING


def test_who_watches_is_told_of_each_change_and_of_the_end(
    stub, running, folder, artifacts
):
    seen: list[int] = []
    calls = [
        stub.Watch(health_pb2.HealthCheckRequest(service="affine")),
        stub.Watch(health_pb2.HealthCheckRequest(service="new")),
    ]

    def watch() -> None:
        for each in calls[0]:
            seen.append(each.status)

    thread = threading.Thread(target=watch)
    thread.start()
    assert next(calls[1]).status == Status.SERVICE_UNKNOWN
    until(lambda: seen == [SERVING])
    shutil.rmtree(folder / "1")
    until(lambda: seen[1:] == [NOT_SERVING])
    shutil.copytree(artifacts[2], folder.parent / "2")
    (folder.parent / "2").rename(folder / "2")
    until(lambda: seen[2:] == [SERVING])
    reload(running, "new", folder=folder)
    assert next(calls[1]).status == SERVING
    until(lambda: seen[3:] == [Status.SERVICE_UNKNOWN])
    reload(running, "new", "affine", folder=folder)
    until(lambda: seen[4:] == [SERVING])
    running.stop()  # Watchers do not keep it: it has 10 s for calls on their way.
    thread.join(5)
    assert not thread.is_alive()
    assert seen[5:] == [NOT_SERVING]
    assert [each.status for each in calls[1]] == [NOT_SERVING]


def test_a_watcher_that_goes_leaves_nothing_behind(stub, running):
    call = stub.Watch(health_pb2.HealthCheckRequest(service="affine"))
    assert next(call).status == SERVING
    call.cancel()
    assert check(stub, "affine") == SERVING


def test_models_are_not_listed_to_those_who_do_not_know_them(running, caplog):
    with grpc.insecure_channel(running.grpc) as channel:
        ask = channel.unary_unary("/grpc.health.v1.Health/List")
        with pytest.raises(grpc.RpcError) as raised:
            ask(b"", timeout=20)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert not caplog.records
