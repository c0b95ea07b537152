# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to feed batches to a step, each an iterator of (features, labels).

``feed_dict`` is that of TensorFlow 1: Python decodes a batch while the device waits,
and hands it to ``Session.run``. ``numpy`` does the same with a function. ``queue`` is
what the queue runners of TensorFlow 1 were: threads that fill a queue of a bounded
number of batches. ``tf.data`` reads, parses and batches in C++.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.data import Data
from training.errors import DataError, reason_of

WAYS = ("feed_dict", "numpy", "queue", "tf.data")


@dataclass(frozen=True)
class FeedOptions:
    """A way to feed, and its parameters.

    Attributes:
        way: One of `WAYS`.
        batch_size: Rows of a batch.
        threads: Which parse at once; ``num_processing_threads``.
        capacity: Batches that wait, at most; ``queue_capacity``.
        steps: Batches that are measured.
        seed: Of the order.
        step_seconds: How long a step takes at least, as one that computes does.
    """

    way: str
    batch_size: int = 128
    threads: int = 2
    capacity: int = 4
    steps: int = 100
    seed: int = 7
    step_seconds: float = 0.0


def paths_of(data: Data) -> list[str]:
    """Files of the rows to train on."""
    return [str(Path(data.folder) / shard.file) for shard in data.index.train]


def python_batches(data: Data, options: FeedOptions) -> Iterator[tuple[Any, Any]]:
    """Batches that Python parses row by row, as NumPy arrays, for ever."""
    import tensorflow as tf

    rows: list[tuple[dict[str, Any], Any]] = []
    while True:
        for record in tf.data.TFRecordDataset(paths_of(data)).as_numpy_iterator():
            rows.append(_parsed(record, data))
            if len(rows) == options.batch_size:
                features = {
                    name: np.stack([row[0][name] for row in rows])
                    for name in data.features
                }
                yield features, np.asarray([row[1] for row in rows])
                rows = []


def _parsed(record: bytes, data: Data) -> tuple[dict[str, Any], Any]:
    import tensorflow as tf

    found = tf.train.Example.FromString(record).features.feature
    features: dict[str, Any] = {}
    for name, spec in data.features.items():
        if spec.stored == "pixels":
            raw = np.frombuffer(found[name].bytes_list.value[0], np.uint8)
            features[name] = (raw / np.float32(255)).reshape(spec.shape)
        else:
            values = found[name].float_list.value
            features[name] = np.asarray(values, np.float32).reshape(spec.shape)
    label = found["label"]
    values = label.int64_list.value or label.float_list.value
    return features, values[0]


def pipeline(data: Data, options: FeedOptions) -> Any:
    """The pipeline of `Data.train`, with as many threads and as much room as asked."""
    reading = data.reading_with(threads=options.threads, prefetch=options.capacity)
    return reading.train(options.batch_size, seed=options.seed)


def queue_batches(data: Data, options: FeedOptions) -> Any:
    """Batches that Python threads put into a ``tf.queue.FIFOQueue``.

    Returns:
        The queue's ``dequeue``, which raises DataError where a thread has failed, and a
        function that ends the threads.
    """
    import threading

    import tensorflow as tf

    (spec,) = data.features.values()
    label = tf.int64 if data.task == "classify" else tf.float32
    batch = (options.batch_size,)
    queue = tf.queue.FIFOQueue(
        options.capacity, [tf.float32, label], [(*batch, *spec.shape), batch]
    )

    failed: list[Exception] = []

    def fill(number: int) -> None:
        source = python_batches(data, options)
        try:
            for features, labels in source:
                (rows,) = features.values()
                queue.enqueue((rows, tf.cast(labels, label)))
        except (tf.errors.CancelledError, tf.errors.AbortedError):
            return  # It was closed.
        except Exception as error:
            failed.append(error)
            queue.close(cancel_pending_enqueues=True)  # Else the step waits for ever.

    threads = [
        threading.Thread(target=fill, args=(number,), daemon=True)
        for number in range(options.threads)
    ]
    for thread in threads:
        thread.start()

    def close() -> None:
        queue.close(cancel_pending_enqueues=True)
        for thread in threads:
            thread.join()

    dequeue = functools.partial(_dequeue, queue, failed, data)
    return dequeue, close


def _dequeue(queue: Any, failed: list[Exception], data: Data) -> Any:
    import tensorflow as tf

    try:
        return queue.dequeue()
    except tf.errors.OutOfRangeError as error:
        if not failed:
            raise
        raise DataError(
            f"a thread that reads {data.folder} failed ({reason_of(failed[0])}): look "
            f"at it with python -m training data {data.name}"
        ) from error
