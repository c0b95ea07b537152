# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors come and go in the Open Inference Protocol as in TensorFlow Serving's API."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as arrays_of

grpc = pytest.importorskip("grpc", reason="needs grpcio")
httpx = pytest.importorskip("httpx", reason="needs httpx")

from google.protobuf import json_format  # noqa: E402

from tests.python.serving.server.inference_echo import (  # noqa: E402
    INFER,
    LENGTH,
    binary_body,
    described,
    echoing,
    read_binary,
)
from tfnative import serving  # noqa: E402
from tfnative.serving import messages  # noqa: E402
from tfnative.serving.server.inference_tensors import (  # noqa: E402
    DATATYPES,
    dtype_of,
    from_raw,
    to_raw,
)

METHOD = "/inference.GRPCInferenceService/"
CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(["INT8", "INT16", "INT32"], "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(["UINT8", "UINT16", "UINT32"], "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


@pytest.fixture(scope="module")
def echo(versions):
    with echoing(versions) as running:
        yield running


@pytest.fixture(scope="module")
def rest(echo):
    with httpx.Client(base_url=echo.rest, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def channel(echo):
    with grpc.insecure_channel(echo.grpc) as channel:
        yield channel


@pytest.fixture(scope="module")
def client(echo):
    with serving.Client(echo.grpc) as client:
        yield client


def call(channel, name: str, request):
    method = channel.unary_unary(
        METHOD + name,
        request_serializer=type(request).SerializeToString,
        response_deserializer=getattr(messages, f"{name}Response").FromString,
    )
    return method(request, timeout=20)


@st.composite
def tensors(draw):
    datatype = draw(st.sampled_from(sorted(DATATYPES)))
    shape = draw(arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
    if datatype == "BYTES":
        count = int(np.prod(shape))
        items = draw(st.lists(st.binary(max_size=9), min_size=count, max_size=count))
        x = np.empty(count, object)
        x[:] = items
        return datatype, x.reshape(shape)
    dtype = dtype_of(datatype)
    size = int(np.prod(shape)) * dtype.itemsize
    if datatype == "BOOL":
        x = draw(arrays_of.arrays(bool, shape))
    else:  # All bits there are: also NaN of all kinds.
        raw = draw(st.binary(min_size=size, max_size=size))
        x = np.frombuffer(raw, dtype).reshape(shape)
    return datatype, x


def same(found: np.ndarray, x: np.ndarray) -> None:
    assert found.shape == x.shape
    assert bytes(to_raw(found)) == bytes(to_raw(x))


@given(tensors())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_each_way_gives_what_tensorflow_servings_api_gives(
    rest, channel, client, tensor
):
    datatype, x = tensor
    expected = client.predict("affine", {"x": x}, signature=datatype)["y"]
    same(expected, x)
    body, headers = binary_body(x, datatype)
    answer = rest.post(INFER, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/octet-stream"
    wanted = bytes(to_raw(expected))
    assert read_binary(answer.content, answer.headers) == {"y": wanted, "z": wanted}
    request = messages.ModelInferRequest(model_name="affine", id="one")
    request.parameters["signature_name"].string_param = datatype
    request.inputs.add(**described(x, datatype))
    request.outputs.add(name="y")
    request.raw_input_contents.append(wanted)
    found = call(channel, "ModelInfer", request)
    assert (found.id, found.model_version) == ("one", "1")
    assert list(found.raw_output_contents) == [wanted]
    (output,) = found.outputs
    assert (output.name, output.datatype) == ("y", datatype)
    assert tuple(output.shape) == x.shape
    assert not output.HasField("contents")
    if datatype not in CONTENTS:
        return
    del request.raw_input_contents[:]
    field = CONTENTS[datatype]
    getattr(request.inputs[0].contents, field).extend(x.reshape(-1).tolist())
    (output,) = call(channel, "ModelInfer", request).outputs
    values = np.array(getattr(output.contents, field), x.dtype)
    # protobuf makes numbers of Python of them, in which not all bits of NaN remain.
    if x.dtype.kind == "f":
        np.testing.assert_array_equal(values.reshape(x.shape), x)
    else:
        same(values.reshape(x.shape), x)


@given(tensors())
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.parametrize("is_flat", [True, False], ids=["flat", "nested"])
def test_tensors_in_json(rest, is_flat, tensor):
    datatype, x = tensor
    if datatype in ("FP16", "BF16"):
        values = x.astype(np.float32)
    elif datatype == "BYTES":
        x = values = np.vectorize(lambda b: b.hex(), otypes=[object])(x)
    else:
        values = x
    data = values.reshape(-1).tolist() if is_flat else values.tolist()
    if 0 in x.shape:
        data = []
    body = {
        "id": "ü",
        "inputs": [described(x, datatype, data=data)],
        "parameters": {"signature_name": datatype},
        "outputs": [{"name": "z"}],
    }
    answer = rest.post(INFER, content=json.dumps(body).encode())
    found = answer.json()
    assert answer.status_code == 200, found
    assert LENGTH not in answer.headers
    assert (found["id"], found["model_name"]) == ("ü", "affine")
    (output,) = found["outputs"]
    assert output.keys() == {"name", "datatype", "shape", "data"}
    assert (output["name"], output["datatype"]) == ("z", datatype)
    assert tuple(output["shape"]) == x.shape
    read = np.array(output["data"], values.dtype).reshape(x.shape)
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("in_all", [True, False, None])
@pytest.mark.parametrize("in_one", [True, False, None])
def test_each_output_may_be_wanted_in_bytes(rest, in_all, in_one):
    x = np.array([[1, 2]], np.float32)
    body = {"inputs": [described(x, "FP32", data=[1, 2])]}
    body["parameters"] = {"signature_name": "rows"}
    if in_all is not None:
        body["parameters"]["binary_data_output"] = in_all
    of_one = {} if in_one is None else {"parameters": {"binary_data": in_one}}
    body["outputs"] = [{"name": "z", **of_one}, {"name": "y"}]
    answer = rest.post(INFER, json=body)
    is_binary = [bool(in_all if in_one is None else in_one), bool(in_all)]
    size = int(answer.headers.get(LENGTH, len(answer.content)))
    outputs = json.loads(answer.content[:size])["outputs"]
    assert [output["name"] for output in outputs] == ["z", "y"]
    assert ["data" not in output for output in outputs] == is_binary
    assert answer.content[size:] == x.tobytes() * sum(is_binary)


@given(st.lists(st.binary(max_size=300)))
def test_strings_in_bytes(strings):
    x = np.empty(len(strings), object)
    x[:] = strings
    assert from_raw(to_raw(x), np.dtype(object), len(x)).tolist() == strings


def test_what_is_no_text_is_in_base64(rest):
    body = {
        "inputs": [
            {
                "name": "x",
                "shape": [2],
                "datatype": "BYTES",
                "data": ["a", {"b64": "/w=="}],
            }
        ],
        "parameters": {"signature_name": "BYTES"},
        "outputs": [{"name": "y"}],
    }
    (output,) = rest.post(INFER, json=body).json()["outputs"]
    assert output["data"] == ["a", {"b64": "/w=="}]


def test_metadata_is_that_of_the_default_signature(rest, channel):
    x = {"name": "x", "datatype": "FP32", "shape": [-1, 2]}
    expected = {
        "name": "affine",
        "versions": ["1", "2"],
        "platform": "tfnative",
        "inputs": [x],
        "outputs": [{**x, "name": "y"}, {**x, "name": "z"}],
    }
    assert rest.get("/v2/models/affine").json() == expected
    request = messages.ModelMetadataRequest(name="affine")
    assert json_format.MessageToDict(
        call(channel, "ModelMetadata", request),
        preserving_proto_field_name=True,
    ) == json.loads(json.dumps(expected), parse_int=str)


@pytest.mark.parametrize("datatype", sorted(DATATYPES))
def test_metadata_has_each_type(rest, datatype):
    found = rest.get(f"/v2/models/affine?signature_name={datatype}").json()
    assert found["inputs"] == [{"name": "x", "datatype": datatype, "shape": [-1]}]


def test_complex_numbers_are_refused_by_name(rest):
    answer = rest.get("/v2/models/affine?signature_name=complex")
    assert answer.status_code == 501
    assert "has no complex64" in answer.json()["error"]
