# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a client gives a model, and what it gets, is to the bit what was meant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tfnative
from tests.python.serving.server.odd_models import Odd
from tfnative import serving

httpx = pytest.importorskip("httpx", reason="needs httpx")


class Echo(Odd):
    """Gives back what it gets: a tensor of each type, by its signature's name."""

    def __init__(self) -> None:
        super().__init__(AssertionError())

    @property
    def signatures(self) -> Any:
        return {
            "f64": _echoing("f64", np.float64, "x"),
            "f32": _echoing("f32", np.float32, "x"),
            "i32": _echoing("i32", np.int32, "x"),
            "text": _echoing("text", object, "x"),
            "raw": _echoing("raw", object, "x_bytes"),
        }

    def predict(self, inputs: Any, **options: Any) -> Any:
        signature = self.signatures[options.get("signature")]
        (output,) = signature.outputs
        (array,) = inputs.values() if isinstance(inputs, dict) else [inputs]
        return {output: array}


def _echoing(name: str, dtype: Any, output: str) -> tfnative.Signature:
    def spec(of: str) -> dict[str, tfnative.TensorSpec]:
        return {of: tfnative.TensorSpec(of, np.dtype(dtype), (-1, 2))}

    return tfnative.Signature(name, spec("x"), spec(output), (), True)


@pytest.fixture
def echo(serve, settings):
    running = serve(settings)
    model = Echo()
    running.server.service.models["affine"].find = lambda spec: (1, model)
    return running


def asked(address: Any, x: Any, signature: str) -> Any:
    with serving.Client(address) as client:
        found = client.predict("affine", {"x": x}, signature=signature)
    (array,) = found.values()
    return array


FLOATS = [[0.1, 1e300], [5e-324, -1.7976931348623157e308]]


@pytest.mark.parametrize("form", [list, tuple, np.array])
def test_numbers_over_rest_have_the_precision_of_the_signature(echo, form):
    found = asked(echo.rest, form(FLOATS), "f64")
    assert found.dtype == np.float64
    assert found.tolist() == FLOATS
    assert asked(echo.rest, form([[0.1, 3]]), "f32").tolist() == [
        [float(np.float32(0.1)), 3.0]
    ]


def test_a_client_that_knows_the_signature_uses_it_over_grpc_as_well(echo):
    both = [echo.grpc, echo.rest]
    with serving.Client(both) as client:
        for _ in range(4):  # Both are asked, in turn.
            found = client.predict("affine", {"x": FLOATS}, signature="f64")
            assert found["x"].tolist() == FLOATS
        model = client.model("affine")
        assert model.predict({"x": FLOATS}, signature="f64")["x"].tolist() == FLOATS


@pytest.mark.parametrize("api", ["grpc", "rest"])
@pytest.mark.parametrize("number", [1e300, -3.5e38, 3.4028236e38])
def test_a_number_that_float32_cannot_hold_is_refused(echo, api, number):
    address = getattr(echo, api)
    with pytest.raises(tfnative.InvalidArgumentError, match=r"float32.*cannot hold"):
        asked(address, [[1.0, number]], "f32")
    found = asked(address, [[np.inf, -np.inf]], "f32")
    assert found.tolist() == [[np.inf, -np.inf]]


@pytest.mark.parametrize("x", [[[1.5, 2]], [[2**40, 1]]])
def test_a_number_that_int32_cannot_hold_is_refused(echo, x):
    with pytest.raises(tfnative.InvalidArgumentError, match="expected int32"):
        asked(echo.rest, x, "i32")


STRINGS = [b"\xff\xfe", "ä€😀".encode(), b"\xc3", b"a\0b", b"", b'{"b64": "AA=="}']
PAIRS = [[one, b"text"] for one in STRINGS]


@pytest.mark.parametrize("signature", ["text", "raw"])
@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_strings_come_back_with_their_bytes(echo, api, signature):
    assert asked(getattr(echo, api), PAIRS, signature).tolist() == PAIRS


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_strings_in_json_are_text_where_they_are_text(echo, form):
    def answer(signature: str) -> Any:
        body = {"signature_name": signature, form: [["ä", {"b64": "//4="}]]}
        response = httpx.post(f"{echo.rest}/v1/models/affine:predict", json=body)
        assert response.status_code == 200, response.text
        return next(iter(response.json().values()))

    assert answer("text") == [["ä", {"b64": "//4="}]]
    assert answer("raw") == [[{"b64": "w6Q="}, {"b64": "//4="}]]
