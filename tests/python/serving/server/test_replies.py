# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Clients are told what is wrong with their requests, and nothing of the server."""

from __future__ import annotations

import logging
import re

import httpx
import pytest

import tfnative
from tests.python.serving.server.odd_models import LONG, ODD, SECRETS, Odd, OddStore
from tfnative.serving import grpc_form, messages
from tfnative.serving.server.replies import MAX_BYTES, reply_to
from tfnative.serving.types import ModelSpec

grpc = pytest.importorskip("grpc", reason="needs grpcio")

ID = re.compile("[0-9a-f]{32}")
EXAMPLE = messages.Input()
EXAMPLE.example_list.examples.append(b"")
SPEC = grpc_form.spec_message(ModelSpec("affine"))
TASK = messages.InferenceTask(model_spec=SPEC, method_name=grpc_form.CLASSIFY_METHOD)
RELOAD = messages.ReloadConfigRequest()
RELOAD.config.model_config_list.config.add(name="a", base_path="/srv/secret")
PREDICTION, MODEL = grpc_form.PREDICTION, grpc_form.MODEL
GRPC = {
    PREDICTION + "Predict": grpc_form.predict_request(
        ModelSpec("affine"), {"x": [[1.0, 2.0, 3.0]]}, ()
    ),
    PREDICTION + "Classify": messages.ClassificationRequest(
        model_spec=SPEC, input=EXAMPLE
    ).SerializeToString(),
    PREDICTION + "Regress": messages.RegressionRequest(
        model_spec=SPEC, input=EXAMPLE
    ).SerializeToString(),
    PREDICTION + "MultiInference": messages.MultiInferenceRequest(
        tasks=[TASK], input=EXAMPLE
    ).SerializeToString(),
    PREDICTION + "GetModelMetadata": grpc_form.metadata_request(ModelSpec("affine")),
    MODEL + "GetModelStatus": messages.GetModelStatusRequest(
        model_spec=SPEC
    ).SerializeToString(),
    MODEL + "HandleReloadConfigRequest": RELOAD.SerializeToString(),
}
REST = {
    ":predict": {"instances": [[1, 2, 3]]},
    ":classify": {"examples": [{"x": [1.0]}]},
    ":regress": {"examples": [{"x": [1.0]}]},
    "/metadata": None,
    "": None,
    "/versions/7": None,
    "/readyz": None,
}


class Asked:
    """What came back: all that a client can read of it, and the request's id."""

    def __init__(self, text: str, request_id: str) -> None:
        self.text = text
        self.request_id = request_id


def ask_grpc(channel, method: str, metadata=()) -> Asked:
    call = channel.unary_unary(method)
    future = call.future(GRPC.get(method, b""), timeout=20, metadata=metadata)
    error = future.exception()
    said = [repr(future.result())] if error is None else [str(error), repr(error)]
    trailing = dict(future.trailing_metadata())
    return Asked(" ".join([*said, repr(trailing)]), trailing["x-request-id"])


def ask_rest(client, path: str, headers=None) -> Asked:
    body = REST[path]
    path = f"/v1/models/affine{path}"
    answer = (
        client.get(path, headers=headers)
        if body is None
        else client.post(path, json=body, headers=headers)
    )
    assert answer.headers["content-type"].split(";")[0] in (
        "application/json",
        "text/plain",
    )
    said = f"{answer.text} {answer.headers}"
    return Asked(said, answer.headers["x-request-id"])


@pytest.fixture
def asking(serve, settings):
    """A server that allows everything, and ways to ask it."""
    running = serve(settings, allow_reload_config=True)
    channel = grpc.insecure_channel(running.grpc)
    with httpx.Client(base_url=running.rest, timeout=20) as client:
        yield running.server.service, channel, client
    channel.close()


def spoil(service, error: BaseException, *, metadata: bool, store: bool) -> None:
    served = service.models["affine"]
    model = Odd(error)
    model.is_asked_for_metadata = metadata
    served.__dict__.pop("find", None)
    if store:
        served.store = OddStore(error)
    else:
        served.find = lambda spec: (1, model)


@pytest.mark.parametrize("where", ["model", "metadata", "store"])
def test_no_route_tells_of_paths_or_of_exceptions(asking, where, caplog):
    service, channel, client = asking
    caplog.set_level(logging.CRITICAL, "tfnative.serving")  # Formatting takes long.
    for error in ODD:
        spoil(service, error, metadata=where == "metadata", store=where == "store")
        found = [ask_grpc(channel, method) for method in GRPC]
        found += [ask_rest(client, path) for path in REST]
        for asked in found:
            told = [secret for secret in SECRETS if secret in asked.text]
            assert not told, (error, asked.text)
            assert ID.fullmatch(asked.request_id)


def test_the_log_has_what_clients_are_not_told(asking, caplog):
    service, channel, client = asking
    caplog.set_level(logging.INFO, "tfnative.serving")
    spoil(service, RuntimeError("at /srv/secret"), metadata=False, store=False)
    for asked in (
        ask_grpc(channel, PREDICTION + "Predict"),
        ask_rest(client, ":predict"),
    ):
        (record,) = [r for r in caplog.records if asked.request_id in r.getMessage()]
        assert asked.request_id in asked.text
        assert record.levelno == logging.ERROR
        assert "/srv/secret" in logging.Formatter().format(record)
        assert "Traceback" in logging.Formatter().format(record)


def test_what_is_wrong_with_a_request_is_told(asking, caplog):
    service, channel, client = asking
    said = "indices[0] = 5 is not in [0, 3) (node model/gather, row 1)"
    spoil(service, tfnative.InvalidArgumentError(said), metadata=False, store=False)
    assert said in ask_grpc(channel, PREDICTION + "Predict").text
    assert said in ask_rest(client, ":predict").text


def test_what_is_kept_back_leaves_the_client_a_sentence_of_its_kind():
    sentences = set()
    for code in range(1, 17):
        kind = tfnative.errors.type_for(code)
        if tfnative.errors.code_of(kind("no")) == code:
            reply = reply_to(kind("at /srv/secret"), "Predict")
            assert reply.code == code
            sentences.add(reply.text.partition(";")[0])
            is_general = reply.text.startswith("the server failed")
            assert is_general == (kind is tfnative.InternalError)
    assert len(sentences) > 5


def test_a_text_is_not_too_long_for_metadata(asking):
    service, channel, client = asking
    spoil(service, LONG, metadata=False, store=False)
    text = ask_grpc(channel, PREDICTION + "Predict").text
    assert "INVALID_ARGUMENT" in text
    assert len(ask_rest(client, ":predict").text) < 2 * MAX_BYTES


def test_a_log_has_no_line_of_a_client(asking, caplog):
    service, channel, client = asking
    caplog.set_level(logging.INFO, "tfnative.serving")
    error = tfnative.InvalidArgumentError("no\nERROR everything is lost\r\x1b[2J")
    spoil(service, error, metadata=False, store=False)
    ask_grpc(channel, PREDICTION + "Predict")
    for path in ("affine:predict%0a", "affine%0d", "a%1b[2J/metadata"):
        client.get(f"/v1/models/{path}")
    assert len(caplog.records) == 4
    assert all(record.getMessage().isprintable() for record in caplog.records)


@pytest.mark.parametrize("given", ["a", "req-7:x_1.=+", "0" * 128])
def test_a_client_may_name_its_request(asking, given):
    _, channel, client = asking
    metadata = (("x-request-id", given),)
    found = ask_grpc(channel, PREDICTION + "Predict", metadata)
    assert found.request_id == given
    assert ask_rest(client, "", dict(metadata)).request_id == given


@pytest.mark.parametrize("given", ["", "a b", "-x", "a/b", "%0a", '"', "0" * 129])
def test_a_name_that_cannot_stand_in_a_log_is_replaced(asking, given):
    _, channel, client = asking
    metadata = (("x-request-id", given),)
    found = ask_grpc(channel, PREDICTION + "Predict", metadata)
    assert ID.fullmatch(found.request_id)
    assert ID.fullmatch(ask_rest(client, "", dict(metadata)).request_id)
    twice = (("x-request-id", "a"), ("x-request-id", "b"))
    found = ask_grpc(channel, PREDICTION + "Predict", twice)
    assert ID.fullmatch(found.request_id)


def test_routes_that_are_not_there_have_ids_too(asking):
    _, channel, client = asking
    found = ask_grpc(channel, "/tensorflow.serving.PredictionService/Nothing")
    assert "UNIMPLEMENTED" in found.text
    for method, path in (("GET", "/nothing"), ("PUT", "/v1/models/affine")):
        answer = client.request(method, path)
        assert 400 <= answer.status_code < 500
        assert ID.fullmatch(answer.headers["x-request-id"])


def test_a_model_that_fails_in_any_way_does_not_end_the_server(asking, caplog):
    service, channel, client = asking
    caplog.set_level(logging.CRITICAL, "tfnative.serving")
    for error in ODD:
        spoil(service, error, metadata=False, store=False)
        ask_grpc(channel, PREDICTION + "Predict")
    del service.models["affine"].find
    answer = client.post(
        "/v1/models/affine:predict",
        json={"signature_name": "affine", "instances": [[1, 2, 3]]},
    )
    assert answer.json() == {"predictions": [[4, 6, 8]]}
