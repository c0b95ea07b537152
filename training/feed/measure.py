# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Measures how quickly a way feeds a step, and what memory it holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data import Data
from training.errors import DataError
from training.feed.ways import (
    FeedOptions,
    pipeline,
    python_batches,
    queue_batches,
)

WARM_UP = 5
__all__ = ["FeedOptions", "Feeding", "measure"]


@dataclass(frozen=True)
class Feeding:
    """What was measured.

    Attributes:
        options: How it was fed.
        steps_per_second: With the step, which is one product of matrices.
        input_share: Part of the time that the step waited for its batch, in [0, 1].
        resident_bytes: Of the process, most at any step, above what it was before.
        batch_bytes: Of the arrays of one batch.
    """

    options: FeedOptions
    steps_per_second: float
    input_share: float
    resident_bytes: int
    batch_bytes: int


def measure(data: Data, options: FeedOptions) -> Feeding:
    """Feeds some steps, after a few that are not counted.

    Raises:
        DataError: The data is of a kind that Python does not parse here.
    """
    if any(spec.stored not in ("floats", "pixels") for spec in data.features.values()):
        raise DataError(
            f"feeding measures images and tables, and {data.name} is neither: choose "
            "--data digits or --data fashion"
        )
    before = resident_bytes()
    step, source, close = _prepared(data, options)
    waited, most, size = 0.0, before, 0
    try:
        for number in range(WARM_UP + options.steps):
            if number == WARM_UP:
                started, waited = time.perf_counter(), 0.0
            begin = time.perf_counter()
            batch = next(source)
            waited += time.perf_counter() - begin
            step(batch)
            if number % 8 == 0:
                most = max(most, resident_bytes())
        seconds = time.perf_counter() - started
        size = sum(_bytes(value) for value in [*batch[0].values(), batch[1]])
    finally:
        close()
    return Feeding(
        options=options,
        steps_per_second=options.steps / seconds,
        input_share=min(1.0, waited / seconds),
        resident_bytes=most - before,
        batch_bytes=size,
    )


def _prepared(
    data: Data, options: FeedOptions
) -> tuple[Callable[[Any], Any], Iterator[Any], Callable[[], None]]:
    """The step, where its batches come from, and what ends that."""
    if options.way == "feed_dict":
        return *_session(data, options), lambda: None
    if options.way == "numpy":
        return _function(data), python_batches(data, options), lambda: None
    if options.way == "tf.data":
        return _function(data), iter(pipeline(data, options)), lambda: None
    if options.way == "queue":
        dequeue, close = queue_batches(data, options)
        (name,) = data.features

        def batches() -> Iterator[Any]:
            while True:
                rows, labels = dequeue()
                yield {name: rows}, labels

        return _function(data), batches(), close
    raise DataError(f"there is no way {options.way!r} to feed")


def _weights(data: Data) -> int:
    size = 1
    for spec in data.features.values():
        for length in spec.shape:
            size *= length
    return size


def _function(data: Data) -> Callable[[Any], Any]:
    """A step that is small, so that feeding is what takes the time."""
    import tensorflow as tf

    weights = tf.zeros((_weights(data), 32))

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step(rows: Any) -> Any:
        return tf.reduce_sum(tf.reshape(rows, (-1, weights.shape[0])) @ weights)

    def run(batch: Any) -> Any:
        (rows,) = batch[0].values()
        return step(tf.convert_to_tensor(rows)).numpy()

    return run


def _session(
    data: Data, options: FeedOptions
) -> tuple[Callable[[Any], Any], Iterator[Any]]:
    """The same step in a graph of TensorFlow 1, which a session runs."""
    import tensorflow as tf

    graph = tf.Graph()
    (spec,) = data.features.values()
    with graph.as_default():
        rows = tf.compat.v1.placeholder(tf.float32, (None, *spec.shape))
        weights = tf.zeros((_weights(data), 32))
        result = tf.reduce_sum(tf.reshape(rows, (-1, weights.shape[0])) @ weights)
    session = tf.compat.v1.Session(graph=graph)

    def run(batch: Any) -> Any:
        (value,) = batch[0].values()
        return session.run(result, feed_dict={rows: value})

    return run, python_batches(data, options)


def _bytes(value: Any) -> int:
    array = value.numpy() if hasattr(value, "numpy") else value
    return int(array.nbytes)


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
