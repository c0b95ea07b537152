# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Measures how quickly a way feeds a step, and what memory it holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.data import Data
from training.errors import DataError
from training.feed.ways import (
    FeedOptions,
    pipeline,
    python_batches,
    queue_batches,
)

WARM_UP = 5
SAMPLES = 50
"""Of the memory, over a run."""
__all__ = ["FeedOptions", "Feeding", "measure"]


@dataclass(frozen=True)
class Feeding:
    """What was measured.

    Attributes:
        options: How it was fed.
        steps_per_second: With the step, which is one product of matrices.
        input_share: Part of the time that the step waited for its batch, in [0, 1].
        resident_bytes: Of the process, most at any step, above what it had when the
            step was made and nothing was read.
        batch_bytes: Of the arrays of one batch.
        resident_over_steps: (step, bytes above that), about `SAMPLES` of them, from
            the first step on, with those that are not counted.
    """

    options: FeedOptions
    steps_per_second: float
    input_share: float
    resident_bytes: int
    batch_bytes: int
    resident_over_steps: tuple[tuple[int, int], ...] = ()


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
    step, read = _prepared(data, options)
    step(_zeros(data, options))
    before = resident_bytes()
    source, close = read()
    waited, size = 0.0, 0
    resident: list[tuple[int, int]] = []
    every = max(1, (WARM_UP + options.steps) // SAMPLES)
    try:
        for number in range(WARM_UP + options.steps):
            if number == WARM_UP:
                started, waited = time.perf_counter(), 0.0
            begin = time.perf_counter()
            batch = next(source)
            waited += time.perf_counter() - begin
            begin = time.perf_counter()
            step(batch)
            left = options.step_seconds - (time.perf_counter() - begin)
            if left > 0:
                time.sleep(left)
            if number % every == 0:
                resident.append((number, resident_bytes() - before))
        seconds = time.perf_counter() - started
        size = sum(_bytes(value) for value in [*batch[0].values(), batch[1]])
    finally:
        close()
    return Feeding(
        options=options,
        steps_per_second=options.steps / seconds,
        input_share=min(1.0, waited / seconds),
        resident_bytes=max(0, *(grown for _, grown in resident)),
        batch_bytes=size,
        resident_over_steps=tuple(resident),
    )


Source = tuple[Iterator[Any], Callable[[], None]]
"""Where batches come from, and what ends that."""


def _prepared(
    data: Data, options: FeedOptions
) -> tuple[Callable[[Any], Any], Callable[[], Source]]:
    """The step, and what begins to read."""

    def in_python() -> Source:
        return python_batches(data, options), lambda: None

    def in_cpp() -> Source:
        return iter(pipeline(data, options)), lambda: None

    def by_threads() -> Source:
        dequeue, close = queue_batches(data, options)
        (name,) = data.features

        def batches() -> Iterator[Any]:
            while True:
                rows, labels = dequeue()
                yield {name: rows}, labels

        return batches(), close

    ways = {
        "feed_dict": (_session, in_python),
        "numpy": (_function, in_python),
        "queue": (_function, by_threads),
        "tf.data": (_function, in_cpp),
    }
    if options.way not in ways:
        raise DataError(f"there is no way {options.way!r} to feed")
    step, read = ways[options.way]
    return step(data), read


def _zeros(data: Data, options: FeedOptions) -> Any:
    """A batch with which a step is traced, so that its memory is not the input's."""
    features = {
        name: np.zeros((options.batch_size, *spec.shape), np.float32)
        for name, spec in data.features.items()
    }
    return features, np.zeros(options.batch_size)


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


def _session(data: Data) -> Callable[[Any], Any]:
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

    return run


def _bytes(value: Any) -> int:
    array = value.numpy() if hasattr(value, "numpy") else value
    return int(array.nbytes)


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
