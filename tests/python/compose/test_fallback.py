# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where a server does not answer, another model does."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import tfnative
from tfnative._model import Model
from tfnative._signature import Signature, TensorSpec

F4 = np.dtype(np.float32)
X = np.ones((2, 3), np.float32)


class Fixed(Model):
    """Answers always the same, or fails as it is told to."""

    def __init__(self, value: float, backend: str = "serving", **names: str) -> None:
        self.name = f"fixed {value}"
        self.path = ""
        self.closed = False
        self.backend = backend
        one = TensorSpec(names.get("x", "x"), F4, (-1, 3))
        two = TensorSpec(names.get("y", "y"), F4, (-1, 3))
        name = names.get("signature", "serving_default")
        self.signatures = {
            name: Signature(name, {one.name: one}, {two.name: two}, (), True)
        }
        self.value = value
        self.error: Exception | None = None
        self.seconds = 0.0
        self.asked: list[dict[str, Any]] = []

    def signature(self, name=None):
        if name not in (None, *self.signatures):
            raise tfnative.InvalidArgumentError(f"no {name}")
        return next(iter(self.signatures.values()))

    def predict(self, inputs, /, *, signature=None, out=None, **options):
        self.asked.append(options)
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        answer = np.full((2, 3), self.value, np.float32)
        return {"y": answer} if isinstance(inputs, dict) else answer

    def warmup(self):
        if self.error is not None:
            raise self.error

    def close(self):
        self.closed = True


@pytest.fixture
def models() -> tuple[Fixed, Fixed]:
    return Fixed(1), Fixed(2, "native")


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    "error", [tfnative.UnavailableError("x"), tfnative.DeadlineExceededError("x")]
)
def test_the_next_one_is_asked_if_the_first_cannot_be_reached(models, error):
    fallback = tfnative.Fallback(models)
    assert fallback.predict(X)[0, 0] == 1
    models[0].error = error
    assert fallback.predict(X)[0, 0] == 2
    models[0].error = None
    assert fallback.predict(X)[0, 0] == 1
    assert fallback.metrics() == ((2, 1), (1, 0), (0, 0))


def test_what_is_wrong_with_the_call_is_raised(models):
    models[0].error = tfnative.InvalidArgumentError("bad")
    with pytest.raises(tfnative.InvalidArgumentError, match="bad"):
        tfnative.Fallback(models).predict(X)
    assert not models[1].asked


def test_one_that_fails_often_is_not_asked_for_a_while(models):
    clock = Time()
    fallback = tfnative.Fallback(models, failures=2, retry_seconds=5, now=clock)
    models[0].error = tfnative.UnavailableError("x")
    for _ in range(5):
        assert fallback.predict(X)[0, 0] == 2
    assert len(models[0].asked) == 2
    clock.now += 5.1
    fallback.predict(X)
    fallback.predict(X)
    assert len(models[0].asked) == 3, "one call finds out"
    clock.now += 5.1
    models[0].error = None
    for _ in range(3):
        assert fallback.predict(X)[0, 0] == 1
    assert fallback.metrics().skipped == (4, 0)


def test_servers_get_the_time_that_is_left(models):
    first, last = models
    second = Fixed(3)
    first.error = tfnative.DeadlineExceededError("x")
    first.seconds = 0.1
    fallback = tfnative.Fallback([first, second, last], timeout=1.0)
    assert fallback.predict(X)[0, 0] == 3
    assert first.asked[0]["timeout"] == pytest.approx(1.0, abs=0.05)
    assert second.asked[0]["timeout"] == pytest.approx(0.9, abs=0.05)
    assert fallback.predict(X, timeout=0.5)[0, 0] == 3
    assert first.asked[1]["timeout"] == pytest.approx(0.5, abs=0.05)


def test_it_is_a_model(models):
    with tfnative.Fallback(models) as fallback:
        assert isinstance(fallback, tfnative.Model)
        models[0].error = tfnative.UnavailableError("x")
        fallback.warmup()
        assert fallback.signature().inputs.keys() == {"x"}
        assert fallback.classify([{"x": [0, 0, 0]}] * 2).scores[0, 0] == 2
    assert models[0].closed
    assert models[1].closed
    with pytest.raises(tfnative.FailedPreconditionError, match="closed"):
        fallback.predict(X)


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (Fixed(1, x="z"), "expected the inputs x, got z"),
        (Fixed(1, y="z"), "expected the outputs y, got z"),
        (Fixed(1, signature="s"), "no serving_default"),
    ],
)
def test_models_that_do_not_fit_each_other_are_refused(models, other, match):
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        tfnative.Fallback([other, models[1]])


def test_one_model_is_no_fallback(models):
    with pytest.raises(tfnative.InvalidArgumentError, match="got 1"):
        tfnative.Fallback(models[:1])


def test_from_a_server_to_this_process_and_back(start_server):
    """The real thing: a server that goes away and comes back."""
    pytest.importorskip("grpc", reason="needs grpcio")
    from tests.python.serving.official_server import unused_port
    from tfnative import serving

    port = unused_port()
    server = start_server(port)
    with serving.Client(f"localhost:{port}", retry=serving.Retry(max_attempts=1)) as c:
        local = Fixed(7, "native")
        fallback = tfnative.Fallback(
            [c.model("scale", version=3), local], timeout=5, retry_seconds=0.1
        )
        assert fallback.predict(X)[0, 0] == 3
        server.stop()
        for _ in range(5):
            assert fallback.predict(X)[0, 0] == 7
        start_server(port)
        until = time.monotonic() + 20
        while fallback.predict(X)[0, 0] != 3:
            assert time.monotonic() < until
            time.sleep(0.05)
        found = fallback.metrics()
    assert found.answered[0] == 2
    assert found.answered[1] >= 5
