# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model on a server is used as one in memory."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator

import numpy as np
import pytest

import tfnative

pytest.importorskip("grpc", reason="needs grpcio")
pytest.importorskip("httpx", reason="needs httpx")

from tests.python.serving.rest_server import METADATA, RestServer
from tfnative import serving
from tfnative.serving.remote_model import RemoteModel
from tfnative.serving.types import ModelSpec

X = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def model(server) -> Iterator[tfnative.Model]:
    with serving.Client(server.address) as client:
        yield client.model("scale", label="stable")


@pytest.fixture
def rest_server() -> Iterator[RestServer]:
    server = RestServer()
    yield server
    server.stop()


def test_it_is_a_model(model):
    assert isinstance(model, tfnative.Model)
    assert (model.name, model.backend, model.closed) == ("scale", "serving", False)
    assert model.signature().inputs["x"].shape == (-1, 3)


def test_it_gives_back_what_it_was_asked_in(model):
    np.testing.assert_array_equal(model.predict(X), X)
    np.testing.assert_array_equal(model.predict({"x": X})["y"], X)
    np.testing.assert_array_equal(model.predict(X.tolist()), X)


def test_it_writes_where_it_is_told_to(model):
    out = np.zeros((2, 3), np.float32)
    assert model.predict(X, out=out) is out
    np.testing.assert_array_equal(out, X)
    with pytest.raises(tfnative.InvalidArgumentError, match=r"expected \(2, 3\), got"):
        model.predict(X, out=out[:1])


@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        (X.astype("f8"), "float32"),
        ({"z": X}, "expected the inputs x, got z"),
        ({}, "expected the inputs x, got none"),
        ([["a"]], "float32"),
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_sent(model, server, inputs, match):
    before = len(server.calls)
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        model.predict(inputs)
    assert len(server.calls) == before


def test_several_outputs_come_by_their_names(rest_server):
    metadata = copy.deepcopy(METADATA)
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    outputs = signatures["serving_default"]["outputs"]
    outputs["z"] = outputs["y"]
    rest_server.answers["/v1/models/m/metadata"] = metadata
    rows = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    rest_server.answers["/v1/models/m:predict"] = {"outputs": {"y": rows, "z": rows}}
    with serving.Client(rest_server.address) as client, client.model("m") as model:
        found = model.predict(X)
        out = {name: np.zeros((2, 3), np.float32) for name in "yz"}
        written = model.predict(X, out=out)
    assert found.keys() == written.keys() == {"y", "z"}
    for name in "yz":
        np.testing.assert_array_equal(found[name], rows)
        assert written[name] is out[name]
        np.testing.assert_array_equal(out[name], rows)


def test_signatures_that_are_not_there_are_refused(model):
    with pytest.raises(tfnative.InvalidArgumentError, match="no signature 's'"):
        model.predict(X, signature="s")


def test_closing_it_leaves_the_client_open(server):
    with serving.Client(server.address) as client:
        with client.model("scale") as model:
            model.warmup()
        with pytest.raises(tfnative.FailedPreconditionError, match="closed"):
            model.predict(X)
        client.predict("scale", {"x": X})


def test_a_batcher_takes_it(model):
    with tfnative.Batcher(model, max_batch_size=8) as batcher:
        np.testing.assert_array_equal(batcher.predict(X), X)


def test_coroutines_have_one_too(server):
    async def run() -> None:
        async with serving.AsyncClient(server.address) as client:
            model = await client.model("scale", version=2)
            np.testing.assert_array_equal(await model.predict(X), 2 * X)
            with pytest.raises(tfnative.InvalidArgumentError):
                await model.predict({"z": X})

    asyncio.run(run())


class Asked:
    """A client that notes how it was asked."""

    def __init__(self, signatures) -> None:
        self.addresses = ("here",)
        self.asked: list[tuple] = []
        self._signatures = signatures

    def metadata(self, name, **options):
        self.asked.append(("metadata", name, options))
        return serving.ModelMetadata(3, self._signatures)

    def predict(self, name, inputs, **options):
        self.asked.append(("predict", name, options))
        return {"y": inputs["x"]}

    def wait_until_ready(self, name, **options):
        self.asked.append(("ready", name, options))


@pytest.mark.parametrize(
    "chosen", [{"version": 2, "label": None}, {"version": None, "label": "stable"}]
)
def test_the_version_and_the_time_are_those_that_were_asked_for(chosen):
    tensor = {"x": tfnative.TensorSpec("x", X.dtype, (-1, 3))}
    outputs = {"y": tfnative.TensorSpec("y", X.dtype, (-1, 3))}
    client = Asked({"s": tfnative.Signature("s", tensor, outputs, (), True)})
    model = RemoteModel(client, ModelSpec("m", **chosen), timeout=7)
    model.predict(X)
    model.predict(X, timeout=2)
    model.warmup()
    assert client.asked == [
        ("metadata", "m", {**chosen, "timeout": 7}),
        ("predict", "m", {**chosen, "signature": "s", "timeout": 7}),
        ("predict", "m", {**chosen, "signature": "s", "timeout": 2}),
        ("ready", "m", {**chosen, "timeout": 7}),
    ]
