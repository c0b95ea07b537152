# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is refused, expires, fails, or is given up has spans that say so."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json

import grpc
import httpx
import numpy as np
import pytest

from tests.python.conftest import NAP, build_fake, manifest
from tests.python.serving.server.tracing.conftest import BATCHING
from tfnative._store.versions import AllVersions
from tfnative.errors import (
    DeadlineExceededError,
    Error,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from tfnative.serving import AsyncClient, Client, Retry
from tfnative.serving.server.config import ModelSettings
from tfnative.serving.tracing import names

X = np.ones((1, 3), np.float32)
SLOW = np.full((1, 3), NAP, np.float32)
AFFINE = {"signature": "affine"}
ONE_AT_A_TIME = """\
max_batch_size { value: 1 }
num_batch_threads { value: 1 }
max_enqueued_batches { value: 1 }
"""
ONCE = Retry(max_attempts=1)


def _error(span) -> tuple[str, str]:
    assert span.status.status_code.name == "ERROR"
    return span.attributes[names.ERROR_TYPE], span.status.description


@pytest.mark.parametrize("batching", [None, BATCHING], ids=["alone", "batched"])
@pytest.mark.parametrize("api", ["grpc", "rest"])
@pytest.mark.parametrize(
    ("model", "inputs", "version", "kind", "error"),
    [
        ("none", {"x": X}, None, "NOT_FOUND", NotFoundError),
        ("affine", {"x": X}, 9, "NOT_FOUND", NotFoundError),
        ("affine", {"x": X[:, :2]}, None, "INVALID_ARGUMENT", InvalidArgumentError),
    ],
    ids=["no such model", "no such version", "other sizes"],
)
def test_a_refusal_is_the_status_of_every_span_around_it(
    traced, kept, api, batching, model, inputs, version, kind, error
):
    running = traced(batching)
    with (
        Client(getattr(running, api), traces=kept.provider) as client,
        pytest.raises(error) as raised,
    ):
        client.predict(model, inputs, version=version, **AFFINE)
    kept.check_trees()
    failed = [s for s in kept.spans if s.status.status_code.name == "ERROR"]
    assert {s.kind.name for s in failed} == {"CLIENT", "SERVER", "INTERNAL"}
    for span in failed:
        assert _error(span)[0] == kind
        assert _error(span)[1][-60:] in str(raised.value)
    (served,) = [s for s in failed if s.kind.name == "SERVER"]
    if api == "grpc":
        assert served.attributes[names.RPC_STATUS] == kind
    else:
        status = {"NOT_FOUND": 404, "INVALID_ARGUMENT": 400}[kind]
        assert served.attributes[names.HTTP_STATUS] == status


def test_what_is_no_request_of_the_server_has_a_span_too(traced, kept, tmp_path):
    (tmp_path / "tokens").write_text("one-that-is-long-enough\n")
    running = traced(None, token_file=str(tmp_path / "tokens"))
    path = "/tensorflow.serving.PredictionService/Predict"
    with grpc.insecure_channel(running.grpc) as channel:
        for method in (path, "/strange/Method"):
            with pytest.raises(grpc.RpcError):
                channel.unary_unary(method)(b"", timeout=10)
    assert httpx.get(running.rest + "/v1/models/affine").status_code == 401
    kept.check_trees()
    by_name = {s.name: s for s in kept.spans}
    # Which method it was is a stranger's own text, and no name of spans.
    assert set(by_name) == {"grpc", "GET /v1/models/{model}"}
    methods = {s.attributes[names.RPC_METHOD_ORIGINAL] for s in kept.named("grpc")}
    assert methods == {path[1:], "strange/Method"}
    assert _error(by_name["grpc"])[0] == "UNAUTHENTICATED"
    assert _error(by_name["GET /v1/models/{model}"]) == ("401", "Unauthorized")


def test_paths_that_there_are_not_are_no_names_of_spans(traced, kept):
    running = traced(None)
    for path in ("/strange", "/v1/models/affine:other", "/v1/models/%ff%00:predict"):
        httpx.post(running.rest + path, content=b"{}")
    assert httpx.get(running.rest + "/metrics").status_code == 200
    assert httpx.get(running.rest + "/readyz").status_code == 200
    kept.check_trees()
    found = sorted(span.name for span in kept.spans)
    assert found == ["POST", "POST", "POST /v1/models/{model}:predict"]
    assert all(_error(span)[0] for span in kept.spans)


def test_a_method_that_there_is_not(traced, kept):
    running = traced(None)
    with grpc.insecure_channel(running.grpc) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary("/strange/Method")(b"", timeout=10)
    kept.check_trees()
    assert _error(kept.only("grpc"))[0] == "UNIMPLEMENTED"


@pytest.fixture
def slow(traced, tmp_path):
    """A server whose one batch thread can be kept busy for a second."""
    (tmp_path / "slow" / "1").mkdir(parents=True)
    build_fake(tmp_path / "slow" / "1", json.dumps(manifest()), nap_seconds=1)
    settings = ModelSettings("slow", str(tmp_path / "slow"), AllVersions())
    return traced(ONE_AT_A_TIME, {"slow": settings})


@contextlib.contextmanager
def _busy(running, requests: int = 1):
    """While so many requests that take a second are there: one runs."""
    with (
        Client(running.grpc, traces=False) as client,
        concurrent.futures.ThreadPoolExecutor(requests) as threads,
    ):
        asked = [
            threads.submit(client.predict, "slow", {"x": SLOW}, **AFFINE)
            for _ in range(requests)
        ]
        served = running.server.service.models["slow"]
        while not served.batchers():
            pass
        batcher = served.batchers()[0][2]
        while batcher.metrics().request_count < requests:
            pass
        yield
        for future in asked:
            future.result()


def _spans_of_client(kept, call):
    """The spans of the trace that a call made."""
    kept.settle()
    (traced,) = [s for s in kept.named("tfnative.predict") if s.end_time]
    return [s for s in kept.spans if s.context.trace_id == traced.context.trace_id]


def test_a_request_for_which_the_queue_has_no_room(slow, kept):
    with (
        _busy(slow, 2),
        Client(slow.grpc, traces=kept.provider, retry=ONCE) as client,
        pytest.raises(UnavailableError),
    ):
        client.predict("slow", {"x": X}, **AFFINE)
    kept.settle()
    spans = _spans_of_client(kept, "slow")
    (refused,) = [s for s in spans if s.name == names.QUEUE]
    kind, reason = _error(refused)
    assert kind == "UNAVAILABLE"
    assert "queue" in reason
    assert {_error(s)[0] for s in spans} == {"UNAVAILABLE"}
    assert not [s for s in spans if s.name == names.COMPUTE]


def test_a_request_that_expires_in_the_queue(slow, kept):
    with (
        _busy(slow),
        Client(slow.grpc, traces=kept.provider, retry=ONCE) as client,
        pytest.raises(DeadlineExceededError),
    ):
        client.predict("slow", {"x": X}, timeout=0.2, **AFFINE)
    spans = _spans_of_client(kept, "slow")
    (waited,) = [s for s in spans if s.name == names.QUEUE]
    assert _error(waited)[0] in ("DEADLINE_EXCEEDED", "CANCELLED")
    assert waited.end_time - waited.start_time > 0.1e9
    (served,) = [s for s in spans if s.kind.name == "SERVER"]
    assert _error(served)[0] in ("DEADLINE_EXCEEDED", "CANCELLED")
    (asked,) = [s for s in spans if s.kind.name == "CLIENT"]
    assert _error(asked)[0] == "DEADLINE_EXCEEDED"
    assert not [s for s in spans if s.name == names.COMPUTE]


def test_a_request_that_is_given_up_in_the_queue(slow, kept):
    async def give_up() -> None:
        async with AsyncClient(slow.grpc, traces=kept.provider) as client:
            task = asyncio.ensure_future(client.predict("slow", {"x": X}, **AFFINE))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with _busy(slow):
        asyncio.run(give_up())
    spans = _spans_of_client(kept, "slow")
    assert {_error(s)[0] for s in spans} == {"CANCELLED"}
    assert {s.name for s in spans} >= {names.QUEUE, "tfnative.predict"}
    assert [s for s in spans if s.kind.name == "SERVER"]
    assert not [s for s in spans if s.name == names.COMPUTE]


def test_a_request_that_is_given_up_while_it_is_run(slow, kept):
    """Its spans are made when they are over, if nobody waits any more."""

    async def give_up() -> None:
        async with AsyncClient(slow.grpc, traces=kept.provider) as client:
            task = asyncio.ensure_future(client.predict("slow", {"x": SLOW}, **AFFINE))
            await asyncio.sleep(0.3)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Error):
                await task

    asyncio.run(give_up())
    slow.stop()  # Closes the batcher, after its last batch.
    kept.check_trees()
    compute = kept.only(names.COMPUTE)
    assert compute.status.status_code.name == "UNSET"
    assert compute.end_time - compute.start_time > 0.9e9
    assert kept.only(names.QUEUE).status.status_code.name == "UNSET"
    assert len(kept.named(names.BATCH)) == 1
    (served,) = kept.of_kind("SERVER")
    assert _error(served)[0] == "CANCELLED"


@pytest.mark.parametrize("batching", [None, BATCHING], ids=["alone", "batched"])
def test_a_model_that_fails(traced, kept, batching):
    running = traced(batching)
    with Client(running.grpc, traces=kept.provider) as client, pytest.raises(Error):
        client.predict("affine", {"x": X[:, 0]}, signature="failing")
    kept.check_trees()
    assert {_error(s)[0] for s in kept.named(names.COMPUTE)} == {"INTERNAL"}
    assert {_error(s)[0] for s in kept.of_kind("SERVER")} == {"INTERNAL"}
    for span in kept.named(names.BATCH):
        assert _error(span)[0] == "INTERNAL"
