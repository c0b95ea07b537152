# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A batcher over a model that asks batchers: it never waits for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tfnative
from tfnative import Batcher, BatchScheduler

X = np.ones((1, 3), np.float32)
SPECS = {n: tfnative.TensorSpec(n, np.dtype(np.float32), (-1, 3)) for n in "xy"}


class Asking:
    """Answers with what it is told to ask."""

    def __init__(self, ask: Callable[[Any], Any]) -> None:
        self._ask = ask

    def signature(self, name: str | None = None) -> tfnative.Signature:
        del name
        inputs, outputs = {"x": SPECS["x"]}, {"y": SPECS["y"]}
        return tfnative.Signature("asking", inputs, outputs, (4,), True)

    def predict(self, inputs: Any, *, signature: str | None = None) -> Any:
        del signature
        return {"y": self._ask(inputs["x"])}


WAYS: dict[str, Callable[[Batcher, Any], Any]] = {
    "predict": lambda batcher, x: batcher.predict(x),
    "future": lambda batcher, x: batcher.submit(x).result(),
    "exception": lambda batcher, x: batcher.submit(x).exception(),
    "coroutine": lambda batcher, x: asyncio.run(batcher.predict_async(x)),
    "close": lambda batcher, x: batcher.close() or x,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_batcher_whose_model_asks_it_is_refused(way: str, threads: int) -> None:
    batcher = Batcher(
        Asking(lambda x: WAYS[way](batcher, x)),
        num_batch_threads=threads,
        batch_timeout_micros=20_000,
    )
    for _ in range(2):
        with pytest.raises(tfnative.FailedPreconditionError, match="for ever"):
            batcher.predict(X)
        with pytest.raises(tfnative.FailedPreconditionError, match="for ever"):
            batcher.submit(X).result()
    batcher.close()


def test_so_is_a_cycle_of_two() -> None:
    def ask_second(x: Any) -> Any:
        return second.predict(x)

    first = Batcher(Asking(ask_second), num_batch_threads=1)
    second = Batcher(Asking(first.predict), num_batch_threads=1)
    for batcher in (first, second):
        with pytest.raises(tfnative.FailedPreconditionError, match="for ever"):
            batcher.predict(X)
    first.close()
    second.close()


def test_so_are_two_that_share_their_threads(model) -> None:
    scheduler = BatchScheduler(1)
    inner = Batcher(model, signature="affine", scheduler=scheduler)
    outer = Batcher(Asking(inner.predict), scheduler=scheduler)
    with pytest.raises(tfnative.FailedPreconditionError, match="scheduler of its own"):
        outer.predict(X)
    np.testing.assert_array_equal(inner.predict(X), 2 * X + 1)
    outer.close()
    inner.close()


def test_an_inner_batcher_with_threads_of_its_own_is_asked(model) -> None:
    with (
        Batcher(model, signature="affine", num_batch_threads=1) as inner,
        Batcher(Asking(inner.predict), num_batch_threads=1) as outer,
    ):
        for _ in range(3):
            np.testing.assert_array_equal(outer.predict(X), 2 * X + 1)
