# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The client asks a server on the official classes, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tfnative

grpc = pytest.importorskip("grpc", reason="needs grpcio")
pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api")

pytest.importorskip("httpx", reason="needs httpx")

from tests.python.serving.official_server import (  # noqa: E402
    OfficialServer,
    fail_times,
    slow,
    unused_port,
)
from tfnative import serving  # noqa: E402
from tfnative.serving import messages  # noqa: E402

X = np.arange(6, dtype=np.float32).reshape(2, 3)
ONCE = serving.Retry(max_attempts=1)


@pytest.fixture
def client(server: OfficialServer) -> Iterator[serving.Client]:
    with serving.Client(server.address, timeout=20) as client:
        yield client


# --- Calls ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "factor"),
    [({}, 2), ({"version": 1}, 1), ({"label": "stable"}, 1), ({"version": 7}, 7)],
)
def test_predict(client, options, factor):
    outputs = client.predict("scale", {"x": X}, **options)
    assert outputs.keys() == {"y"}
    assert outputs["y"].dtype == np.float32
    np.testing.assert_array_equal(outputs["y"], factor * X)
    outputs["y"][0] = 0


@pytest.mark.parametrize(
    "dtype", "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 c8 c16 bool object".split()
)
def test_predict_takes_and_gives_every_type(client, dtype):
    array = np.array([["a", b"\0"]], object)
    if dtype != "object":
        array = np.array([[0, 1, 2]]).astype(dtype)
    found = client.predict("scale", {"x": array}, version=1)["y"]
    assert found.dtype == array.dtype
    expected = [[b"a", b"\0"]] if dtype == "object" else array.tolist()
    assert found.tolist() == expected


def test_predict_sends_what_it_was_given(client, server):
    client.predict("scale", {"x1": X, "x2": X}, signature="s", output_filter=["y2"])
    ((_, request, _),) = server.calls
    assert request.model_spec.signature_name == "s"
    assert request.output_filter == ["y2"]
    found = client.predict("scale", {"x1": X, "x2": X}, output_filter=["y2"])
    assert found.keys() == {"y2"}


ROWS = [{"age": 2.0}, {"age": 4.0, "name": "x"}]


@pytest.mark.parametrize(
    "examples", [ROWS, [tfnative.encode_example(row) for row in ROWS]]
)
def test_classify_and_regress(client, examples):
    found = client.classify("scale", examples)
    assert found.labels.tolist() == [["young", "old"]] * 2
    assert found.top() == [[("young", 0.5)], [("old", 0.75)]]
    assert client.regress("scale", examples).tolist() == [4, 8]


def test_examples_may_share_features(client):
    assert client.regress(
        "scale", [{}, {"age": 1.0}], context={"age": 3.0}
    ).tolist() == [
        6,
        2,
    ]


def test_several_heads_at_once(client):
    tasks = {"a": "classify", "b": "regress"}
    found = client.multi_inference("scale", ROWS, tasks)
    assert found["a"].labels.tolist() == [["any"]] * 2
    assert found["b"].tolist() == [2, 4]
    with pytest.raises(tfnative.InvalidArgumentError, match="got 'x'"):
        client.multi_inference("scale", ROWS, {"a": "x"})


def test_metadata(client):
    found = client.metadata("scale", label="stable")
    assert found.version == 1
    assert found.signatures["serving_default"].inputs["x"].shape == (-1, 3)


def test_status(client, server):
    server.states = {1: 50, 2: 30}
    found = client.status("scale")
    assert [(each.version, str(each.state)) for each in found] == [
        (2, "AVAILABLE"),
        (1, "END"),
    ]


def test_reload_config(client, server):
    config = messages.ModelServerConfig()
    with pytest.raises(tfnative.InvalidArgumentError, match="no models"):
        client.reload_config(config)
    one = config.model_config_list.config.add(name="scale", base_path="/models/scale")
    one.model_version_policy.latest.num_versions = 2
    one.version_labels["stable"] = 1
    client.reload_config(config)
    sent = server.calls[-1][1].config.model_config_list.config[0]
    assert sent.model_version_policy.latest.num_versions == 2
    assert sent.version_labels == {"stable": 1}


# --- Manners --------------------------------------------------------------------------


def test_what_the_server_says_is_raised_with_its_address(client, server):
    with pytest.raises(tfnative.NotFoundError) as raised:
        client.predict("other", {"x": X})
    text = str(raised.value)
    assert server.address in text
    assert "model 'other'" in text
    assert "Servable not found: other" in text


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_ARGUMENT", tfnative.InvalidArgumentError),
        ("FAILED_PRECONDITION", tfnative.FailedPreconditionError),
        ("RESOURCE_EXHAUSTED", tfnative.ResourceExhaustedError),
        ("UNIMPLEMENTED", tfnative.UnimplementedError),
        ("PERMISSION_DENIED", tfnative.PermissionDeniedError),
        ("UNAUTHENTICATED", tfnative.PermissionDeniedError),
        ("OUT_OF_RANGE", tfnative.InvalidArgumentError),
        ("UNKNOWN", tfnative.InternalError),
        ("DATA_LOSS", tfnative.InternalError),
    ],
)
def test_every_status_has_its_error(client, server, code, kind):
    server.before = lambda context: context.abort(grpc.StatusCode[code], "no")
    with pytest.raises(kind, match="no"):
        client.predict("scale", {"x": X})
    assert len(server.calls) == 1, "tried again"


def test_a_busy_server_is_asked_again(client, server):
    server.before = fail_times(2, grpc.StatusCode.UNAVAILABLE)
    assert client.predict("scale", {"x": X})["y"][0, 1] == 2
    assert len(server.calls) == 3


def test_not_more_often_than_it_was_told(server):
    server.before = fail_times(100, grpc.StatusCode.UNAVAILABLE)
    retry = serving.Retry(max_attempts=2, initial_delay_seconds=0)
    unavailable = pytest.raises(tfnative.UnavailableError, match="not now")
    with serving.Client(server.address, retry=retry) as client, unavailable:
        client.predict("scale", {"x": X})
    assert len(server.calls) == 2


def test_a_slow_server_does_not_hold_up_longer_than_the_timeout(client, server):
    server.before = slow(3)
    start = time.monotonic()
    with pytest.raises(tfnative.DeadlineExceededError):
        client.predict("scale", {"x": X}, timeout=0.2)
    assert time.monotonic() - start < 1.5


def test_a_server_that_is_not_there_is_unavailable():
    address = f"localhost:{unused_port()}"
    unavailable = pytest.raises(tfnative.UnavailableError, match=address)
    with serving.Client(address, retry=ONCE) as client, unavailable:
        client.predict("scale", {"x": X}, timeout=5)


def test_a_name_that_nobody_knows_is_unavailable():
    unavailable = pytest.raises(tfnative.UnavailableError, match="no-such-host")
    with serving.Client("no-such-host.invalid:1", retry=ONCE) as client, unavailable:
        client.predict("scale", {"x": X}, timeout=5)


def test_metadata_is_sent(server):
    with serving.Client(server.address, metadata={"who": "me"}) as client:
        client.predict("scale", {"x": X})
    assert server.calls[0][2]["who"] == "me"


def test_compressed_and_large_messages_arrive(server):
    large = np.zeros((4, 1 << 20), np.float32)
    with serving.Client(server.address, compression="gzip") as client:
        assert client.predict("scale", {"x": large})["y"].shape == large.shape
    too_large = pytest.raises(tfnative.ResourceExhaustedError)
    with serving.Client(server.address, max_message_bytes=1 << 20) as client, too_large:
        client.predict("scale", {"x": large})


def test_calls_of_many_threads_do_not_get_mixed_up(client):
    def ask(i: int) -> bool:
        x = np.full((1, 3), i, np.float32)
        return bool((client.predict("scale", {"x": x})["y"] == 2 * i).all())

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(500)))


def test_a_closed_client_says_so(server):
    client = serving.Client(server.address)
    client.predict("scale", {"x": X})
    client.close()
    client.close()
    with pytest.raises(tfnative.FailedPreconditionError, match="closed"):
        client.predict("scale", {"x": X})


def test_waiting_until_a_version_is_ready(client, server):
    server.states = {1: 20}
    with pytest.raises(tfnative.DeadlineExceededError, match="not ready: 1 LOADING"):
        client.wait_until_ready("scale", timeout=0.5)
    server.states = {1: 30, 2: 20}
    assert client.wait_until_ready("scale", timeout=5) == 1
    with pytest.raises(tfnative.DeadlineExceededError, match="Servable not found"):
        client.wait_until_ready("other", timeout=0.3)


def test_waiting_for_a_server_that_starts_later(start_server):
    port = unused_port()
    with ThreadPoolExecutor(1) as pool, serving.Client(f"localhost:{port}") as client:
        ready = pool.submit(client.wait_until_ready, "scale", timeout=30)
        time.sleep(0.5)
        start_server(port)
        assert ready.result() == 2


# --- Several addresses ----------------------------------------------------------------


def test_calls_go_to_each_in_turn(server, other):
    with serving.Client([server.address, other.address]) as client:
        for _ in range(10):
            client.predict("scale", {"x": X})
    assert (len(server.calls), len(other.calls)) == (5, 5)


def test_if_one_is_gone_the_other_answers(server, other):
    with serving.Client([server.address, other.address]) as client:
        server.stop()
        for _ in range(10):
            client.predict("scale", {"x": X})
    assert len(other.calls) == 10


def test_an_address_that_fails_is_given_up_for_a_while(server):
    server.before = fail_times(2, grpc.StatusCode.UNAVAILABLE)
    breaker = serving.Breaker(failures=2, seconds=0.3)
    with serving.Client(server.address, retry=ONCE, breaker=breaker) as client:
        for _ in range(2):
            with pytest.raises(tfnative.UnavailableError, match="not now"):
                client.predict("scale", {"x": X})
        with pytest.raises(tfnative.UnavailableError, match="given up for now"):
            client.predict("scale", {"x": X})
        assert len(server.calls) == 2
        time.sleep(0.35)
        client.predict("scale", {"x": X})
        client.predict("scale", {"x": X})


def test_a_slow_answer_is_overtaken(server, other):
    server.before = slow(2)
    hedge = serving.Hedge(delay_seconds=0.05)
    addresses = [server.address, other.address]
    with serving.Client(addresses, hedge=hedge) as client:
        start = time.monotonic()
        assert client.predict("scale", {"x": X}, timeout=10)["y"][0, 1] == 2
        assert time.monotonic() - start < 1.5
    assert len(server.calls) == len(other.calls) == 1


def test_if_all_of_the_calls_fail_the_error_is_raised(server, other):
    hedge = serving.Hedge(delay_seconds=0.01)
    addresses = [server.address, other.address]
    for each in (server, other):
        each.before = fail_times(9, grpc.StatusCode.UNAVAILABLE)
    with serving.Client(addresses, hedge=hedge, retry=ONCE) as client:
        with pytest.raises(tfnative.UnavailableError, match="not now"):
            client.predict("scale", {"x": X}, timeout=10)
        server.before = fail_times(1, grpc.StatusCode.NOT_FOUND)
        with pytest.raises(tfnative.NotFoundError):
            client.predict("scale", {"x": X}, timeout=10)


@pytest.mark.parametrize("address", ["ftp://x", [], ""])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(tfnative.InvalidArgumentError):
        serving.Client(address)
