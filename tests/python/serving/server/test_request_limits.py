# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Requests that are too large, too many or too slow are refused, and cost little."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest

import tfnative
from tests.python.serving.server.raw_http import RawClient
from tfnative._base.wire import bytes_field, number_field

httpx = pytest.importorskip("httpx", reason="needs httpx")
grpc = pytest.importorskip("grpc", reason="needs grpcio")

from tfnative import serving  # noqa: E402
from tfnative.serving.server.budget import ByteBudget  # noqa: E402
from tfnative.serving.server.input_rules import InputRules  # noqa: E402
from tfnative.serving.server.limits import RequestLimits  # noqa: E402
from tfnative.serving.server.rest_body import unfold  # noqa: E402

PREDICT = "/v1/models/affine:predict"
METHOD = "/tensorflow.serving.PredictionService/Predict"
ROWS = [[1, 2, 3]]
BODY = json.dumps({"signature_name": "affine", "instances": ROWS}).encode()
EXPECTED = {"predictions": [[4, 6, 8]]}


@pytest.fixture
def server(serve, settings):
    return serve(settings, limits=RequestLimits(20_000, 50_000))


@pytest.fixture
def impatient(serve, settings):
    return serve(settings, limits=RequestLimits(read_timeout_seconds=0.3))


@pytest.fixture
def post(server):
    with httpx.Client(base_url=server.rest, timeout=20) as client:

        def post(content, **headers: str):
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.post(PREDICT, content=content, headers=names)

        yield post


def padded(size: int) -> bytes:
    """A request of so many bytes."""
    return BODY + b" " * (size - len(BODY))


def until(holds: Callable[[], bool]) -> None:
    """Waits for what another thread does, though not for ever."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


def error_of(answer) -> str:
    assert answer.json().keys() == {"error"}
    return answer.json()["error"]


def test_the_largest_body_is_answered_and_one_byte_more_refused(post):
    assert post(padded(20_000)).json() == EXPECTED
    answer = post(padded(20_001))
    assert answer.status_code == 413
    assert "more than 20000 bytes" in error_of(answer)
    answer = post(padded(1000) for _ in range(21))  # In chunks: no length is told.
    assert answer.status_code == 413


def test_a_body_that_is_promised_is_refused_before_it_comes(server):
    for length in (20_001, 10**18, 10**30):
        with RawClient(server.rest) as client:
            client.post(PREDICT, b"", length=length)
            assert client.status() in (400, 413)


def predict_request(dtype: int, *sizes: int, values: bytes = b"") -> bytes:
    dims = b"".join(bytes_field(2, number_field(1, size)) for size in sizes)
    tensor = number_field(1, dtype) + bytes_field(2, dims) + values
    entry = bytes_field(1, b"x") + bytes_field(2, tensor)
    spec = bytes_field(1, b"affine") + bytes_field(3, b"affine")
    return bytes_field(1, spec) + bytes_field(2, entry)


@pytest.mark.parametrize(
    ("request_", "code", "match"),
    [
        (predict_request(1, 1 << 28, 3), "RESOURCE_EXHAUSTED", "at most 20000"),
        (predict_request(1, 1 << 62, 3), "RESOURCE_EXHAUSTED", "at most 20000"),
        (
            predict_request(1, 1 << 62, 1 << 62),
            "INVALID_ARGUMENT",
            r"float32 (rows, 3)",
        ),
        (predict_request(1, 0, 1 << 62), "INVALID_ARGUMENT", "float32 (rows, 3)"),
        (predict_request(1, *[1] * 65), "INVALID_ARGUMENT", "dimensions"),
        (predict_request(1, *[1] * 300), "INVALID_ARGUMENT", "dimensions"),
        (predict_request(1, (1 << 64) - 1, 3), "INVALID_ARGUMENT", "negative"),
        (predict_request(3, 1 << 28, 3), "INVALID_ARGUMENT", "got int32 (2684"),
        (predict_request(7, 1 << 28, 3), "INVALID_ARGUMENT", "got string (2684"),
        (predict_request(9, 1 << 28), "INVALID_ARGUMENT", "got int64 (2684"),
        (
            predict_request(1, 1, 3, values=bytes_field(7, b"\1\2\3")),
            "INVALID_ARGUMENT",
            "values in int_val",
        ),
    ],
)
def test_what_a_tensor_declares_is_checked_before_memory_is_taken(
    server, request_, code, match
):
    with grpc.insecure_channel(server.grpc) as channel:
        ask = channel.unary_unary(METHOD)
        tracemalloc.start()
        try:
            with pytest.raises(grpc.RpcError) as refused:
                ask(request_, timeout=20)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert refused.value.code().name == code
    assert match in refused.value.details()
    assert peak < 10 << 20


def test_a_tensor_that_repeats_a_value_is_answered_within_the_limit(server):
    half = bytes_field(5, np.float32(0.5).tobytes())
    with grpc.insecure_channel(server.grpc) as channel:
        response = channel.unary_unary(METHOD)(predict_request(1, 1000, 3, values=half))
    found = serving.grpc_form.read_predict_response(response, "x")["y"]
    np.testing.assert_array_equal(found, np.full((1000, 3), 3, np.float32))


def test_inputs_may_take_as_many_bytes_as_the_limit_and_no_more(model):
    rules = InputRules("here", model.signature("affine"), 20_000)
    rules.check_bytes(20_000)
    with pytest.raises(tfnative.ResourceExhaustedError, match="at most 20000"):
        rules.check_bytes(20_001)


def test_a_batch_larger_than_the_batcher_takes_is_refused_first(
    serve, settings, tmp_path
):
    (tmp_path / "batching.txt").write_text("max_batch_size { value: 16 }")
    models = {
        "poll_seconds": None,
        "batching_parameters_file": str(tmp_path / "batching.txt"),
    }
    server = serve(settings, models)
    with (
        grpc.insecure_channel(server.grpc) as channel,
        pytest.raises(grpc.RpcError, match="17 rows, but max_batch_size is 16"),
    ):
        channel.unary_unary(METHOD)(predict_request(1, 17, 3), timeout=20)


@pytest.mark.parametrize("method", ["Classify", "Regress"])
def test_examples_count_among_what_the_server_holds(server, method):
    budget = server.server.service.budget
    path = f"/tensorflow.serving.PredictionService/{method}"
    spec = bytes_field(1, bytes_field(1, b"affine"))
    example = bytes_field(2, bytes_field(1, bytes_field(1, bytes(10_000))))
    with budget.share() as share, grpc.insecure_channel(server.grpc) as channel:
        share.grow(45_000)
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(path)(spec + example, timeout=20)
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert budget.held == 0


def test_a_message_over_the_limit_is_refused(server):
    x = np.zeros((2000, 3), np.float32)
    with (
        serving.Client(server.grpc) as client,
        pytest.raises(tfnative.ResourceExhaustedError),
    ):
        client.predict("affine", {"x": x}, signature="affine")


def test_requests_beyond_what_the_server_holds_are_told_to_try_again(server, post):
    """Three clients send half of their bodies and wait: 51,000 bytes are promised."""
    body = padded(17_000)
    clients = [RawClient(server.rest) for _ in range(3)]
    budget = server.server.service.budget
    for client in clients[:2]:
        client.post(PREDICT, body[:16_900], length=len(body))
    until(lambda: budget.held >= 33_800)
    answer = post(padded(17_000))
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    assert "try again" in error_of(answer)
    x = np.zeros((1400, 3), np.float32)
    with serving.Client(server.grpc, retry=serving.Retry(max_attempts=1)) as ours:
        with pytest.raises(tfnative.ResourceExhaustedError, match="try again"):
            ours.predict("affine", {"x": x}, signature="affine")
        for client in clients[:2]:
            client.send(body[16_900:])
            assert client.status() == 200
        ours.predict("affine", {"x": x}, signature="affine")
    for client in clients:
        client.close()
    assert post(BODY).json() == EXPECTED
    assert budget.held == 0


@pytest.mark.parametrize(
    "begin", [b"", b"POST /v1/mo", b"GET /healthz HTTP/1.1\r\nA: "]
)
def test_a_head_that_does_not_come_ends_the_connection(impatient, begin):
    with RawClient(impatient.rest) as client:
        client.send(begin)
        assert client.rest() == b""


def test_a_second_head_that_does_not_come_ends_the_connection(impatient):
    with RawClient(impatient.rest) as client:
        client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.status() == 200
        client.send(b"GET /healthz HT")
        assert client.rest().endswith(b"ok")


@pytest.mark.parametrize("sent", [0, 10])
def test_a_body_that_does_not_come_is_given_up(impatient, sent):
    with RawClient(impatient.rest) as client:
        client.post(PREDICT, BODY[:sent], length=len(BODY))
        assert client.status() == 408
        assert b"too slowly" in client.rest()
    assert impatient.server.service.budget.held == 0


def test_a_client_that_does_not_read_its_answer_is_given_up(impatient, monkeypatch):
    ended = threading.Event()
    transport = asyncio.selector_events._SelectorTransport
    abort = transport.abort
    monkeypatch.setattr(transport, "abort", lambda self: (abort(self), ended.set()))
    rows = 700_000  # Of 14 bytes: more than the buffers of both ends take.
    body = json.dumps({"signature_name": "affine", "instances": ROWS * rows}).encode()
    with RawClient(impatient.rest) as client:
        client.post(PREDICT, body, length=len(body))
        assert ended.wait(60)
        assert len(client.rest()) < rows * len("[4.0,6.0,8.0],")
    with serving.Client(impatient.rest) as ours:
        assert ours.predict("affine", {"x": ROWS}, signature="affine")


def test_a_client_that_goes_away_leaves_one_line(server, post, caplog):
    caplog.set_level(logging.INFO)
    with RawClient(server.rest) as client:
        client.post(PREDICT, BODY[:10], length=len(BODY))
        until(lambda: server.server.service.budget.held > 0)
    until(lambda: bool(caplog.records))
    assert post(BODY).json() == EXPECTED
    (record,) = (r for r in caplog.records if r.name.startswith("tfnative"))
    assert "went away after 10 bytes" in record.getMessage()
    assert record.exc_info is None
    assert server.server.service.budget.held == 0


def test_bodies_in_gzip_are_unfolded(post):
    for packed in (
        gzip.compress(BODY),
        gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]),
        gzip.compress(padded(20_000)),
    ):
        assert post(packed, content_encoding="gzip").json() == EXPECTED
    assert post(gzip.compress(BODY)).status_code == 400


@pytest.mark.parametrize(
    ("body", "encoding", "status", "match"),
    [
        (gzip.compress(bytes(100 << 20)), "gzip", 413, "20000"),
        (gzip.compress(padded(20_001)), "gzip", 413, "more than 20000"),
        (gzip.compress(BODY, mtime=0)[:-5], "gzip", 400, "cut off"),
        (gzip.compress(BODY, mtime=0) + b"more", "gzip", 400, "no gzip data"),
        (BODY, "gzip", 400, "no gzip data"),
        (b"", "gzip", 400, "cut off"),
        (zlib.compress(BODY), "deflate", 415, "expected Content-Encoding gzip"),
        (BODY, "br", 415, "'br'"),
    ],
)
def test_bodies_that_do_not_unfold_are_refused(post, body, encoding, status, match):
    if len(body) > 20_000:  # 100 MiB of zeros are 100 KB: five of them, one in another.
        body = gzip.compress(body)
    answer = post(body, content_encoding=encoding)
    assert answer.status_code == status, answer.text
    assert match in error_of(answer)


def test_gzip_data_of_very_many_members_is_refused():
    empty = gzip.compress(b"")
    with ByteBudget(1000).share() as share:
        few = memoryview(empty * 999 + gzip.compress(b"x"))
        assert bytes(unfold(few, 1000, share)) == b"x"
        with pytest.raises(tfnative.InvalidArgumentError, match="1000 members"):
            unfold(memoryview(empty * 1001), 1000, share)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"max_request_bytes": 0}, "max_request_bytes must be above 0"),
        ({"max_request_bytes": 1 << 31}, r"below 2\^31"),
        ({"max_inflight_bytes": 10}, "must not be below max_request_bytes"),
        ({"read_timeout_seconds": float("nan")}, "read_timeout_seconds must be above"),
    ],
)
def test_limits_that_make_no_sense_are_refused(options, match):
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        RequestLimits(**options)
