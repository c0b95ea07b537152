# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is no request of the Open Inference Protocol is refused, and takes no memory."""

from __future__ import annotations

import contextlib
import json
import math
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st

grpc = pytest.importorskip("grpc", reason="needs grpcio")
httpx = pytest.importorskip("httpx", reason="needs httpx")

import tfnative  # noqa: E402
from tests.python.serving.server.inference_echo import (  # noqa: E402
    INFER,
    LENGTH,
    echoing,
)
from tfnative.serving import messages  # noqa: E402
from tfnative.serving.server import inference_json, inference_message  # noqa: E402

X = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
REFUSALS = (tfnative.InvalidArgumentError, tfnative.UnimplementedError)
ROWS = {"parameters": {"signature_name": "rows"}}


@pytest.fixture(scope="module")
def echo(versions):
    with echoing(versions) as running:
        yield running


@pytest.fixture(scope="module")
def post(echo):
    with httpx.Client(base_url=echo.rest, timeout=20) as client:
        yield lambda content, **headers: client.post(
            INFER, content=content, headers=headers
        )


def one(**changes):
    """A request whose input is another one; None leaves a member out."""
    changed = {k: v for k, v in {**X, **changes}.items() if v is not None}
    return {"inputs": [changed], **ROWS}


def typed(name: str, **changes):
    return one(**{"shape": [2], "datatype": name, **changes}) | {
        "parameters": {"signature_name": name}
    }


REFUSED = [
    (one(shape=[1, 3]), 400, r"'data' has the shape|expected float32"),
    (one(shape=[2, 2]), 400, r"'data' has the shape \(2,\), but 'shape' is \(2, 2\)"),
    (one(shape=[-1, 2]), 400, "a size is negative"),
    (one(shape=[1 << 40, 2]), 429, "the inputs take"),
    (one(shape=[1] * 65), 400, "at most (64|32) dimensions"),
    (one(shape=[1.5, 2]), 400, "'shape' must be a list of integers"),
    (one(shape="2"), 400, "'shape' must be a list of integers"),
    (one(shape=None), 400, "'shape' must be a list of integers"),
    (one(shape=[1 << 70]), 400, "'shape' must be a list of integers"),
    (one(datatype="FP8"), 400, "expected a datatype of BOOL, .*, got 'FP8'"),
    (one(datatype="INT32"), 400, "expected float32"),
    (one(datatype=None), 400, "'datatype' must be a string"),
    (one(name=None), 400, "'name' must be a string"),
    (one(name="w"), 400, "input 'x' is missing"),
    (one(data=None), 400, "either 'data' or the parameter 'binary_data_size'"),
    (one(data=["a", "b"]), 400, "expected float32, got text"),
    (one(data=[1, None]), 400, "input 'x'"),
    (one(data=[[1], [2, 3]]), 400, "different lengths"),
    (one(data={"a": 1}), 400, "expected numbers or text"),
    (one(data=[1, 1e300]), 400, "float32 cannot hold 1e"),
    (one(parameters={"binary_data_size": 8}), 400, "either 'data' or"),
    (one(data=None, parameters={"binary_data_size": 8}), 400, "8, but 0 bytes follow"),
    (one(data=None, parameters={"binary_data_size": -1}), 400, "-1, but 0 bytes"),
    (one(data=None, parameters={"binary_data_size": "8"}), 400, "expected int"),
    (one(parameters={"shared_memory_region": "a"}), 501, "shared_memory_region"),
    (one(parameters=3), 400, "'parameters' must be an object"),
    ({"inputs": [X, X], **ROWS}, 400, "the input 'x' is there twice"),
    ({"inputs": [3], **ROWS}, 400, "'inputs' must be a list with objects"),
    ({"inputs": X, **ROWS}, 400, "'inputs' must be a list with objects"),
    ({"inputs": [], **ROWS}, 400, "input 'x' is missing"),
    (ROWS, 400, "'inputs' must be a list with objects"),
    ({**one(), "id": 3}, 400, "'id' must be a string"),
    ({**one(), "outputs": {}}, 400, "'outputs' must be a list"),
    ({**one(), "outputs": [3]}, 400, "must be an object with a 'name'"),
    ({**one(), "outputs": [{"name": "w"}]}, 400, "not found in signature: w"),
    ({**one(), "outputs": [{"name": "y"}] * 2}, 400, "'y' is there twice"),
    (
        {**one(), "outputs": [{"name": "y", "parameters": {"classification": 2}}]},
        501,
        "output 'y': the server does not know the parameter 'classification'",
    ),
    ({**one(), "parameters": {"sequence_id": 1}}, 501, "sequence_id"),
    ({**one(), "parameters": {"signature_name": 1}}, 400, "expected str"),
    ({**one(), "parameters": {"signature_name": "no"}}, 400, '"no" not found'),
    ({**one(), "more": "a" * (1 << 20)}, 400, "bytes of JSON beside its inputs"),
    (typed("INT32", data=[1, 1 << 31]), 400, "int32 cannot hold 2147483648"),
    (typed("INT32", data=[1, 0.5]), 400, "expected int32, got float64"),
    (typed("BOOL", data=[1, 0]), 400, "expected bool, got int64"),
    (typed("UINT8", data=[1, -1]), 400, "uint8 cannot hold -1"),
    (typed("BYTES", data=[1, 2]), 400, "expected text"),
    (typed("FP64", shape=[1 << 62, 0, 1 << 62], data=[]), 429, "the inputs take"),
    ([1], 400, "object"),
]


@pytest.mark.parametrize(("body", "status", "why"), REFUSED, ids=range(len(REFUSED)))
def test_bodies_in_json_that_are_refused(post, body, status, why):
    answer = post(json.dumps(body).encode())
    (text,) = answer.json().values()
    assert answer.status_code == status, text
    assert re.search(why, text), text


def test_numbers_that_json_does_not_have_are_taken_as_in_the_other_api(post):
    body = json.dumps(one(data=[math.nan, -math.inf])).encode()
    assert b'"data":[NaN,-Infinity]' in post(body).content
    body = json.dumps(typed("INT32", data=[1, math.nan])).encode()
    assert "expected int32, got float64" in post(body).json()["error"]


def test_a_number_of_very_many_digits_is_refused(post):
    body = b'{"inputs": [], "id": %s}' % (b"1" * 5000)
    assert post(body).status_code == 400


def binary(size: int, given: bytes, header=None, **changes):
    body = one(data=None, parameters={"binary_data_size": size}, **changes)
    head = json.dumps(body).encode()
    return head + given, str(len(head) if header is None else header)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (binary(7, bytes(7)), "expected 8 bytes for 2 x float32, got 7"),
        (binary(9, bytes(9)), "expected 8 bytes for 2 x float32, got 9"),
        (binary(8, bytes(7)), "binary_data_size is 8, but 7 bytes follow"),
        (binary(8, bytes(9)), "1 bytes after the JSON belong to no input"),
        (binary(8, bytes(8), 1 << 30), "expected a number from 1 to"),
        (binary(8, bytes(8), "-1"), "expected a number from 1 to"),
        (binary(8, bytes(8), 0), "expected a number from 1 to"),
        (binary(8, bytes(8), "x"), "expected a number from 1 to"),
        (binary(8, bytes(8), 10), ""),
        (binary(8, bytes(8), shape=[1 << 20, 2]), "expected 8388608 bytes"),
    ],
)
def test_bodies_with_bytes_that_are_refused(post, content, why):
    body, header = content
    answer = post(body, **{LENGTH: header})
    assert answer.status_code == 400
    assert why in answer.json()["error"]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\1\0\0\0a", "expected at least 8 bytes for 2 strings"),
        (b"\1\0\0\0a\1\0\0\0", "string 1 of 2 has 1 bytes, of which there are 0"),
        (b"\4\0\0\0aaaa\0\0", "string 1 of 2 is cut off"),
        (b"\xff\xff\xff\xff" * 2, "string 0 of 2 has 4294967295 bytes"),
        (b"\0\0\0\0\0\0\0\0a", "1 bytes are left after the last of 2 strings"),
    ],
)
def test_strings_in_bytes_that_are_refused(post, raw, why):
    body = typed("BYTES", data=None, parameters={"binary_data_size": len(raw)})
    head = json.dumps(body).encode()
    answer = post(head + raw, **{LENGTH: str(len(head))})
    assert answer.status_code == 400
    assert why in answer.json()["error"]


def test_gzip_and_bytes_go_together(post):
    import gzip

    body, header = binary(8, np.array([1, 2], "f4").tobytes())
    packed = gzip.compress(body)
    answer = post(packed, **{LENGTH: header, "Content-Encoding": "gzip"})
    assert b'"data":[1.0,2.0]' in answer.content


# --- gRPC -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def infer(echo):
    with grpc.insecure_channel(echo.grpc) as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        yield lambda request: messages.ModelInferResponse.FromString(
            call(request, timeout=20)
        )


def message(shape=(1, 2), datatype="FP32", signature="rows", raw=None, **contents):
    request = messages.ModelInferRequest(model_name="affine")
    request.parameters["signature_name"].string_param = signature
    tensor = request.inputs.add(name="x", datatype=datatype, shape=shape)
    for field, values in contents.items():
        getattr(tensor.contents, field).extend(values)
    request.raw_input_contents.extend([] if raw is None else raw)
    return request


def with_parameter(name: str):
    request = message(fp32_contents=[1, 2])
    request.parameters[name].int64_param = 1
    return request


OF_GRPC = [
    (message(fp32_contents=[1]), 3, "expected 2 values in fp32_contents, got 1"),
    (message(fp32_contents=[1, 2, 3]), 3, "input 'x'"),
    (message(), 3, "expected 2 values in fp32_contents"),
    (message(int_contents=[1, 2]), 3, "values in int_contents, but those of FP32"),
    (message(fp32_contents=[1, 2], bytes_contents=[b""]), 3, "in bytes_contents"),
    (message(fp32_contents=[1, 2], raw=[bytes(8)]), 3, "there are raw_input_contents"),
    (message(raw=[bytes(8)] * 2), 3, "2 elements for 1 inputs"),
    (message(raw=[bytes(7)]), 3, "expected 8 bytes for 2 x float32, got 7"),
    (message((-1, 2), raw=[bytes(8)]), 3, "a size is negative"),
    (message((1 << 40, 2), raw=[bytes(8)]), 8, "the inputs take"),
    (message((1 << 20, 2), fp32_contents=[1]), 3, "expected 2097152 values"),
    (message([1] * 65, raw=[bytes(8)]), 3, "at most (64|32) dimensions"),
    (message(datatype="FP8", raw=[bytes(8)]), 3, "got 'FP8'"),
    (message((2,), "INT8", "INT8", int_contents=[1, 128]), 3, "int8 cannot hold 128"),
    (message((2,), "FP16", "FP16", fp32_contents=[1, 2]), 3, "in raw_input_contents"),
    (message((2,), "BYTES", "BYTES", bytes_contents=[b""]), 3, "expected 2 values"),
    (with_parameter("priority"), 12, "does not know the parameter 'priority'"),
    (with_parameter("signature_name"), 3, "expected str"),
]


@pytest.mark.parametrize(("request_", "code", "why"), OF_GRPC, ids=range(len(OF_GRPC)))
def test_messages_that_are_refused(infer, request_, code, why):
    with pytest.raises(grpc.RpcError) as failed:
        infer(request_.SerializeToString())
    assert failed.value.code().value[0] == code, failed.value.details()
    assert re.search(why, failed.value.details()), failed.value.details()


@pytest.mark.parametrize(
    "bytes_", [b"\xff", b"\x2a\x05a", b"\x0a\x02\xff\xfe", b"\x22\x03\x12\x01\xff"]
)
def test_messages_that_are_damaged(infer, bytes_):
    with pytest.raises(grpc.RpcError) as failed:
        infer(bytes_)
    assert failed.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("tag", [b"\x2a\x00", b"\x32\x00", b"\x3a\x00", b"\x22\x00"])
def test_very_many_parts_cost_no_more_than_few(tag):
    many = tag * 1_000_000
    tracemalloc.start()
    with pytest.raises(tfnative.InvalidArgumentError, match="more than 10000 parts"):
        inference_message.read_request(many)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(content):
    for read in (
        lambda: inference_message.read_request(content),
        lambda: inference_json.read_request(memoryview(content), None),
    ):
        with contextlib.suppress(*REFUSALS):
            read()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": _json,
            "outputs": _json | st.lists(st.fixed_dictionaries({"name": _json})),
            "parameters": _json,
            "inputs": _json
            | st.lists(
                st.fixed_dictionaries(
                    {},
                    optional=dict.fromkeys([*X, "parameters"], _json),
                )
            ),
        },
    )
)
def test_any_json_is_a_request_or_refused(body):
    with contextlib.suppress(*REFUSALS):
        inference_json.read_request(memoryview(json.dumps(body).encode()), None)
