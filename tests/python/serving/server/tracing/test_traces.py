# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""One trace across client and server, whatever brings the request and answers it."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading

import httpx
import numpy as np
import pytest
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
)

from tests.python.serving.server.tracing.conftest import BATCHING
from tests.python.serving.server.tracing.kept import Kept
from tfnative._examples.encode import encode_example
from tfnative.serving import AsyncClient, Client, Hedge
from tfnative.serving.tracing import names

X = np.arange(6, dtype=np.float32).reshape(2, 3)
AFFINE = {"signature": "affine"}
GRPC_NAME = "tensorflow.serving.PredictionService/Predict"
REST_NAME = "POST /v1/models/{model}:predict"


def _ask(address: str, is_async: bool, provider) -> None:
    async def ask() -> None:
        async with AsyncClient(address, traces=provider) as client:
            found = await client.predict("affine", {"x": X}, **AFFINE)
            np.testing.assert_array_equal(found["y"], 2 * X + 2)

    if is_async:
        asyncio.run(ask())
        return
    with Client(address, traces=provider) as client:
        found = client.predict("affine", {"x": X}, **AFFINE)
        np.testing.assert_array_equal(found["y"], 2 * X + 2)


@pytest.mark.parametrize("batching", [None, BATCHING], ids=["alone", "batched"])
@pytest.mark.parametrize("is_async", [False, True], ids=["threads", "coroutines"])
@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_a_request_has_one_trace_from_the_client_to_the_model(
    traced, kept, api, is_async, batching
):
    running = traced(batching)
    _ask(getattr(running, api), is_async, kept.provider)
    kept.check_trees()
    call = kept.only("tfnative.predict")
    served = _served(kept, api)
    (attempt,) = [s for s in kept.of_kind("CLIENT") if _is_child(served, s)]
    assert attempt.parent == call.context
    assert call.parent is None
    (compute,) = [s for s in kept.named(names.COMPUTE) if _is_child(s, served)]
    (waited,) = [s for s in kept.named(names.QUEUE) if _is_child(s, served)]
    assert waited.end_time <= compute.start_time
    known = compute.attributes
    assert known[names.MODEL] == "affine"
    assert known[names.VERSION] == 2
    assert known[names.SIGNATURE] == "affine"
    assert known[names.MODEL_THREADS] == 1
    assert waited.attributes[names.ROWS] == 2
    assert known[names.BATCH_ROWS] == 2
    if batching is None:
        assert known[names.ROWS] == 2
        assert not kept.named(names.BATCH)
    else:
        kept.check_batches()
        assert known[names.BATCH_THREADS] == 2
    for span in (call, attempt, served, waited, compute):
        assert span.status.status_code.name == "UNSET"


def _served(kept, api):
    name = GRPC_NAME if api == "grpc" else REST_NAME
    (span,) = [s for s in kept.of_kind("SERVER") if s.name == name]
    return span


def _is_child(span, parent) -> bool:
    return span.parent is not None and span.parent.span_id == parent.context.span_id


def test_spans_say_what_opentelemetrys_conventions_have_them_say(traced, kept):
    running = traced(None)
    _ask(running.grpc, False, kept.provider)
    _ask(running.rest, False, kept.provider)
    kept.settle()
    by_kind = {
        (s.kind.name, s.name): s.attributes
        for s in kept.spans
        if s.kind.name != "INTERNAL"
    }
    server, port = "localhost", running.server.port
    asked = by_kind["CLIENT", GRPC_NAME]
    assert asked["rpc.system.name"] == "grpc"
    assert asked["rpc.method"] == GRPC_NAME
    assert (asked["server.address"], asked["server.port"]) == (server, port)
    assert asked["rpc.response.status_code"] == "OK"
    served = by_kind["SERVER", GRPC_NAME]
    assert served["rpc.system.name"] == "grpc"
    assert served["rpc.method"] == GRPC_NAME
    assert served["rpc.response.status_code"] == "OK"
    asked = by_kind["CLIENT", "POST"]
    assert asked["http.request.method"] == "POST"
    port = running.server.rest_port
    url = f"http://localhost:{port}/v1/models/affine:predict"
    assert asked["url.full"] == url
    assert (asked["server.address"], asked["server.port"]) == (server, port)
    assert asked["http.response.status_code"] == 200
    served = by_kind["SERVER", REST_NAME]
    assert served["http.request.method"] == "POST"
    assert served["http.route"] == "/v1/models/{model}:predict"
    assert served["url.path"] == "/v1/models/affine:predict"
    assert served["http.response.status_code"] == 200


@pytest.mark.parametrize("api", ["grpc", "rest"])
@pytest.mark.parametrize(
    ("batching", "callers", "most_rows"),
    [
        (BATCHING, 8, 7),
        # Requests are split among batches, and batches padded.
        (
            "max_batch_size { value: 64 } max_execution_batch_size { value: 16 }"
            " enable_large_batch_splitting { value: true }"
            " allowed_batch_sizes: 4 allowed_batch_sizes: 16"
            " batch_timeout_micros { value: 5000 } num_batch_threads { value: 1 }"
            " max_enqueued_batches { value: 1000 }",
            8,
            24,
        ),
    ],
    ids=["together", "split and padded"],
)
def test_each_of_many_requests_has_a_tree_and_batches_have_all_their_rows(
    traced, kept, api, batching, callers, most_rows
):
    running = traced(batching)
    errors = []

    def ask(seed: int) -> None:
        chance = random.Random(seed)
        try:
            with Client(getattr(running, api), traces=kept.provider) as client:
                for _ in range(12):
                    rows = chance.randint(1, most_rows)
                    x = np.full((rows, 3), seed, np.float32)
                    found = client.predict("affine", {"x": x}, version=1, **AFFINE)
                    np.testing.assert_array_equal(found["y"], 2 * x + 1)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    kept.check_trees()
    kept.check_batches()
    predicted = [s for s in kept.of_kind("SERVER") if "redict" in s.name]
    assert len(predicted) == 12 * callers
    assert len(kept.named(names.QUEUE)) == 12 * callers
    several = [b for b in kept.named(names.BATCH) if len(b.links) > 1]
    assert several, "no two requests were in a batch"


@pytest.mark.parametrize("batching", [None, BATCHING], ids=["alone", "batched"])
def test_requests_with_examples_have_spans_for_both_what_reads_and_what_computes(
    traced, kept, batching
):
    running = traced(batching)
    examples = [encode_example({"x": [1.0, 2.0, 3.0]})]
    with Client(running.grpc, traces=kept.provider) as client:
        client.classify("affine", examples, **AFFINE)
    kept.check_trees()
    read = kept.only(names.EXAMPLES)
    assert read.attributes[names.ROWS] == 1
    assert read.attributes[names.VERSION] == 2
    within = [span.name for span in kept.spans if _is_child(span, read)]
    assert sorted(within) == (
        [] if batching is None else [names.BATCH, names.COMPUTE, names.QUEUE]
    )


@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_each_attempt_of_a_call_has_a_span(traced, kept, api):
    running = traced(None)
    gone = {"grpc": "localhost:1", "rest": "http://localhost:1"}[api]
    addresses = (gone, getattr(running, api))
    with Client(addresses, traces=kept.provider) as client:
        client.predict("affine", {"x": X}, **AFFINE)
    kept.check_trees()
    attempts = kept.of_kind("CLIENT")
    bad = [s for s in attempts if s.status.status_code.name == "ERROR"]
    good = [s for s in attempts if s.status.status_code.name == "UNSET"]
    assert bad
    assert good
    assert {s.attributes["error.type"] for s in bad} == {"UNAVAILABLE"}
    assert kept.only("tfnative.predict").status.status_code.name == "UNSET"


@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_both_of_a_call_that_is_sent_twice_have_a_span(traced, kept, api):
    # The first is not answered before the second is on its way.
    running = traced(BATCHING.replace("value: 5000", "value: 200000"))
    address = getattr(running, api)
    hedge = Hedge(delay_seconds=0.0)
    with Client((address, address), traces=kept.provider, hedge=hedge) as client:
        client.predict("affine", {"x": X}, **AFFINE)
    kept.check_trees()
    call = kept.only("tfnative.predict")
    attempts = [s for s in kept.of_kind("CLIENT") if _is_child(s, call)]
    assert len(attempts) >= 2 if api == "grpc" else attempts


def test_a_clients_own_span_is_the_parent(traced, kept):
    running = traced(None)
    tracer = kept.provider.get_tracer("application")
    with (
        Client(running.grpc, traces=kept.provider) as client,
        tracer.start_as_current_span("application"),
    ):
        client.predict("affine", {"x": X}, **AFFINE)
    kept.check_trees()
    assert kept.only("tfnative.predict").parent == kept.only("application").context
    assert len({s.context.trace_id for s in kept.spans}) == 1


class _Keeps(Sampler):
    """Keeps a share of the traces, in turn."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._numbers = itertools.count()

    def should_sample(self, *_: object, **__: object) -> SamplingResult:
        is_kept = self._each and next(self._numbers) % self._each == 0
        return SamplingResult(
            Decision.RECORD_AND_SAMPLE if is_kept else Decision.DROP, {}
        )

    def get_description(self) -> str:
        return "one in so many"


@pytest.mark.parametrize("each", [0, 3], ids=["none", "one in three"])
def test_of_traces_that_are_not_kept_nothing_is(serve, settings, tmp_path, each):
    """But a batch counts their rows, too, and what the batcher records is taken."""
    kept = Kept(sampler=ParentBased(_Keeps(each)))
    (tmp_path / "batching.txt").write_text(BATCHING)
    file = str(tmp_path / "batching.txt")
    opening = {"poll_seconds": None, "traces": kept.provider}
    running = serve(settings, {**opening, "batching_parameters_file": file})

    async def ask() -> None:
        async with AsyncClient(running.grpc, traces=kept.provider) as client:
            asked = [client.predict("affine", {"x": X}, **AFFINE) for _ in range(12)]
            await asyncio.gather(*asked)

    asyncio.run(ask())
    kept.check_trees()
    served = running.server.service.models["affine"]
    ((_, _, batcher),) = served.batchers()
    assert batcher.metrics().request_count == 12
    taken = batcher._take_trace()
    assert len(taken["requests"]) == len(taken["batches"]) == 0
    asked = len(kept.named("tfnative.predict"))
    assert asked == (4 if each else 0)
    assert len(kept.named(names.COMPUTE)) == len(kept.named(names.QUEUE)) == asked
    for batch in kept.named(names.BATCH):
        assert batch.attributes[names.BATCH_ROWS] == (
            2 * batch.attributes[names.BATCH_REQUESTS]
        )
        assert len(batch.links) <= batch.attributes[names.BATCH_REQUESTS]


def test_the_open_inference_protocol_has_traces_too(traced, kept):
    running = traced(BATCHING)
    body = {
        "parameters": {"signature_name": "affine"},
        "inputs": [
            {
                "name": "x",
                "shape": [2, 3],
                "datatype": "FP32",
                "data": X.reshape(-1).tolist(),
            }
        ],
    }
    answer = httpx.post(running.rest + "/v2/models/affine/infer", json=body)
    assert answer.status_code == 200, answer.text
    assert httpx.get(running.rest + "/v2/health/ready").status_code == 200
    assert httpx.get(running.rest + "/v2/models/affine/ready").status_code == 200
    kept.check_trees()
    (served, _) = sorted(kept.of_kind("SERVER"), key=lambda span: span.name)[::-1]
    assert served.name == "POST /v2/models/{model}/infer"
    assert served.attributes["http.route"] == "/v2/models/{model}/infer"
    assert kept.only("tfnative.compute").context.trace_id == served.context.trace_id
    names_of_others = {s.name for s in kept.of_kind("SERVER")} - {served.name}
    assert names_of_others == {"GET /v2/models/{model}/ready"}
