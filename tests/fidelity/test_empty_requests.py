# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a model answers to no rows, whoever asks it: servers, stores and the like."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
import tfnative.serving
from tests.fidelity import edges
from tests.fidelity.edges import SIGNATURES, inputs_of
from tests.turns import Once

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="TensorFlow, which compiles the model, is not installed",
)
for package in ("grpc", "httpx", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tfnative.serving.server.config import ModelSettings  # noqa: E402
from tfnative.serving.server.models import OpenOptions  # noqa: E402
from tfnative.serving.server.server import Server, ServerOptions  # noqa: E402

BATCHING = "max_batch_size { value: 8 } batch_timeout_micros { value: 1000 }"
Predict = Callable[[Mapping[str, Any], str], Any]


@pytest.fixture(scope="module")
def versions(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model as its version 1."""
    folder = tmp_path_factory.mktemp("versions") / "edges"
    folder.mkdir()
    (folder / "1").symlink_to(edges.build(once))
    return folder


@pytest.fixture(scope="module")
def model(versions: Path) -> Iterator[tfnative.Model]:
    with tfnative.load(versions / "1") as loaded:
        yield loaded


@pytest.fixture(scope="module", params=["one by one", "batched"])
def server(request: Any, versions: Path) -> Iterator[Server]:
    """A server in a thread."""
    batching = None
    if request.param == "batched":
        batching = versions.parent / "batching.txt"
        batching.write_text(BATCHING)
    started, ending = threading.Event(), []
    running: list[Server] = []

    async def run() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        ending.append(lambda: loop.call_soon_threadsafe(ended.set))
        opening = OpenOptions(
            None, batching_parameters_file=None if batching is None else str(batching)
        )
        options = ServerOptions("localhost", 0, 0, models=opening)
        models = {"edges": ModelSettings("edges", str(versions))}
        async with Server(models, options).running() as server:
            running.append(server)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert started.wait(60)
    yield running[0]
    ending[0]()
    thread.join()


def answer(predict: Predict, signature: str) -> Any:
    """Outputs for no rows, or which error says what."""
    try:
        found = predict(inputs_of(signature, 0), signature)
    except tfnative.InvalidArgumentError as error:
        return str(error)
    return {name: (a.dtype, a.shape, repr(a.tolist())) for name, a in found.items()}


def expect_same(found: Any, expected: Any) -> None:
    """Holds if both are the same outputs, or errors that give the same reason."""
    if isinstance(expected, str):
        assert expected.partition(": ")[2] in found
    else:
        assert found == expected


@pytest.mark.parametrize("api", ["gRPC", "REST"])
@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_server_answers_no_rows_as_the_model_does(
    model: tfnative.Model,
    server: Server,
    api: str,
    signature: str,
) -> None:
    expected = answer(lambda x, s: model.predict(x, signature=s), signature)
    port = server.port if api == "gRPC" else server.rest_port
    address = f"{'http://' if api == 'REST' else ''}localhost:{port}"
    with tfnative.serving.Client(address) as client:
        found = answer(lambda x, s: client.predict("edges", x, signature=s), signature)
    expect_same(found, expected)


def test_no_rows_are_answered_over_rest_in_the_form_they_are_asked_in(
    server: Server,
) -> None:
    import httpx

    url = f"http://localhost:{server.rest_port}/v1/models/edges:predict"
    for asked, answered in (("instances", "predictions"), ("inputs", "outputs")):
        found = httpx.post(url, json={"signature_name": "doubled", asked: []})
        assert found.json() == {answered: []}


@pytest.mark.parametrize("signature", SIGNATURES)
def test_what_is_made_of_models_answers_no_rows_as_they_do(
    model: tfnative.Model, versions: Path, signature: str
) -> None:
    expected = answer(lambda x, s: model.predict(x, signature=s), signature)
    with ExitStack() as stack:
        enter = stack.enter_context
        made = [
            enter(tfnative.ModelStore(versions, poll_seconds=None)),
            tfnative.Fallback([model, model]),
            tfnative.Shadow(model, model),
        ]
        for one in made:
            found = answer(lambda x, s, one=one: one.predict(x, signature=s), signature)
            expect_same(found, expected)


def test_no_rows_have_a_shape_in_every_answer(model: tfnative.Model) -> None:
    found = model.predict(inputs_of("doubled", 0), signature="doubled")["y"]
    assert (found.shape, found.dtype) == ((0, 2), np.float32)
