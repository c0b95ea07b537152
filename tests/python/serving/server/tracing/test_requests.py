# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever a request says of its trace, it is answered."""

from __future__ import annotations

import contextlib

import grpc
import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies
from opentelemetry.sdk.trace import TracerProvider

from tfnative.serving import grpc_form
from tfnative.serving.server.tracing.requests import parent_in
from tfnative.serving.types import ModelSpec

TRACER = TracerProvider(shutdown_on_exit=False).get_tracer("tests")
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"
BODY = b'{"signature_name": "affine", "instances": [[1, 2, 3]]}'
PATH = "/tensorflow.serving.PredictionService/Predict"

NO_PARENT = {
    "empty": "",
    "a dash": "-",
    "too long": "00-" + "a" * 100_0,
    "version ff": f"ff-{TRACE}-{SPAN}-01",
    "version not hex": f"zz-{TRACE}-{SPAN}-01",
    "more than version 00 has": f"{GOOD}-more",
    "trace not hex": f"00-{'x' * 32}-{SPAN}-01",
    "trace of zeros": f"00-{'0' * 32}-{SPAN}-01",
    "span of zeros": f"00-{TRACE}-{'0' * 16}-01",
    "capitals": GOOD.upper(),
    "flags not hex": f"00-{TRACE}-{SPAN}-zz",
    "cut": GOOD[:-1],
    "without dashes": GOOD.replace("-", ""),
}
PARENT = {
    "good": GOOD,
    "a later version": f"cc-{TRACE}-{SPAN}-01",
    "a later version with more": f"cc-{TRACE}-{SPAN}-01-what-comes-then",
    "flags that nobody knows": f"00-{TRACE}-{SPAN}-ff",
}
STATES = {
    "none": [],
    "good": ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"],
    "33 members": [",".join(f"k{i}=v" for i in range(33))],
    "a thousand members": [",".join(f"k{i}=v" for i in range(1000))],
    "no members": [",,,,"],
    "no key": ["=v"],
    "the same key twice": ["a=1,a=2"],
    "long": ["k=" + "v" * 3000],
    "several headers": ["a=1", "b=2"],
    "not ASCII": ["k=\xe9"],
}


def _rest(running, headers) -> None:
    encoded = [(k, v.encode("latin-1")) for k, v in headers]
    url = running.rest + "/v1/models/affine/versions/1:predict"
    found = httpx.post(url, content=BODY, headers=encoded)
    assert found.json() == {"predictions": [[3.0, 5.0, 7.0]]}


def _grpc(running, headers) -> None:
    inputs = {"x": np.float32([[1, 2, 3]])}
    spec = ModelSpec("affine", 1, signature="affine")
    request = grpc_form.predict_request(spec, inputs, (), None)
    ascii_only = [(k, v) for k, v in headers if v.isascii()]  # gRPC sends no other.
    with grpc.insecure_channel(running.grpc) as channel:
        response = channel.unary_unary(PATH)(request, metadata=ascii_only, timeout=10)
    outputs = grpc_form.read_predict_response(response, "")
    np.testing.assert_array_equal(outputs["y"], [[3, 5, 7]])


@pytest.fixture
def running(traced):
    return traced(None)


@pytest.mark.parametrize("ask", [_rest, _grpc], ids=["rest", "grpc"])
def test_a_request_is_answered_whatever_its_headers_say(running, kept, ask):
    cases = [(name, [STATES["good"][0]]) for name in NO_PARENT | PARENT]
    cases += [("good", state) for state in STATES.values()]
    for name, state in cases:
        parent = (NO_PARENT | PARENT)[name]
        kept.clear()
        ask(running, [("traceparent", parent), *(("tracestate", s) for s in state)])
        kept.settle()
        (span,) = kept.of_kind("SERVER")
        assert (span.parent is not None) == (name in PARENT), name
        if name in PARENT:
            assert f"{span.context.trace_id:032x}" == TRACE
            assert f"{span.parent.span_id:016x}" == SPAN
        assert span.status.status_code.name == "UNSET"


def test_of_several_parents_there_is_none(running, kept):
    """Over REST. Of several values gRPC itself tells only the last one."""
    other = GOOD.replace("4bf", "fb4")
    _rest(running, [("traceparent", GOOD), ("traceparent", other)])
    kept.settle()
    (span,) = kept.of_kind("SERVER")
    assert span.parent is None


@pytest.mark.parametrize("ask", [_rest, _grpc], ids=["rest", "grpc"])
def test_what_the_client_does_not_keep_the_server_does_not(running, kept, ask):
    ask(running, [("traceparent", f"00-{TRACE}-{SPAN}-00")])
    ask(running, [("traceparent", GOOD), ("tracestate", "rojo=1,congo=2")])
    kept.settle()
    (span,) = kept.of_kind("SERVER")
    assert span.context.trace_state.to_header() == "rojo=1,congo=2"


@hypothesis_settings(
    max_examples=100, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(
    headers=strategies.lists(
        strategies.tuples(
            strategies.sampled_from(["traceparent", "tracestate", "baggage", "other"]),
            strategies.one_of(
                strategies.text(max_size=600),
                strategies.from_regex(r"[0-9a-f]{2}-[0-9a-f]{30,34}-[0-9a-f]{16}-.{2}"),
                strategies.sampled_from([*NO_PARENT.values(), *PARENT.values()]),
            ),
        ),
        max_size=5,
    )
)
def test_any_headers_give_a_context(headers):
    span = TRACER.start_span("x", parent_in(headers))
    span.end()
    assert span.get_span_context().is_valid


def test_a_propagator_that_fails_fails_no_request(monkeypatch):
    from opentelemetry import propagate

    def fail(*_: object) -> None:
        raise RuntimeError("a propagator's own mistake")

    monkeypatch.setattr(propagate, "extract", fail)
    assert not parent_in([("traceparent", GOOD)])


def test_texts_that_cannot_be_written_are_written_otherwise(running, kept):
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(running.rest + "/v1/models/" + "%ff%ed%a0%80" * 300)
    kept.settle()
    for span in kept.spans:
        for value in span.attributes.values():
            assert len(str(value).encode()) < 2000
