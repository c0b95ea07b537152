# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads TFRecords with tf.data: parallel interleave, shuffle, batch, prefetch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.data.records import LABEL
from training.data.spec import FeatureSpec


@dataclass(frozen=True)
class Reading:
    """How the pipeline reads; the defaults keep a CPU busy.

    Attributes:
        threads: Batches that are parsed at once; 0 lets tf.data choose.
        files: Shards that are read at once.
        prefetch: Batches that wait, at most; -1 lets tf.data choose.
        shuffle_rows: Rows among which the next one is drawn; 1 keeps their order.
        skip_corrupt: Whether shards that are damaged are left out, and not an error.
        delay: Seconds that each batch pretends to take to arrive, as from a distant
            store: to see what reading ahead hides.
    """

    threads: int = 0
    files: int = 4
    prefetch: int = -1
    shuffle_rows: int = 10_000
    skip_corrupt: bool = False
    delay: float = 0.0


def batches(
    paths: tuple[str, ...],
    features: Mapping[str, FeatureSpec],
    task: str,
    *,
    batch_size: int,
    rows: int,
    seed: int,
    first_step: int,
    repeat: bool,
    turn: tuple[int, int],
    reading: Reading,
) -> Any:
    """A ``tf.data.Dataset`` of batches in an order that the seed decides.

    Each time through the data has an order of its own. With ``first_step``, the data
    goes on as if that many batches were read before: a run that is resumed sees what
    it would have seen. Without ``repeat``, the last batch may be smaller. With a
    ``turn``, (position, count), ``count`` readers take a batch each in turn.
    """
    import tensorflow as tf

    def epoch(number: Any) -> Any:
        files = tf.data.Dataset.from_tensor_slices(list(paths))
        if reading.shuffle_rows > 1:
            files = files.shuffle(len(paths), seed=seed + number)
        records = files.interleave(
            tf.data.TFRecordDataset,
            cycle_length=min(reading.files, len(paths)),
            block_length=16,
            num_parallel_calls=min(reading.files, len(paths)),
            deterministic=True,
        )
        if reading.shuffle_rows > 1:
            records = records.shuffle(
                min(reading.shuffle_rows, rows), seed=seed + number
            )
        return records

    position, count = turn
    before = first_step * batch_size * count
    first_epoch, skipped = divmod(before, rows)
    if repeat:
        epochs = tf.data.Dataset.range(first_epoch, tf.int64.max)
        records = epochs.flat_map(epoch).skip(skipped)
    else:
        records = epoch(tf.constant(0, tf.int64)).skip(before)
    parallel = reading.threads or tf.data.AUTOTUNE

    def parse(serialized: Any) -> Any:
        if reading.delay:
            serialized = _late(serialized, reading.delay)
        return parse_batch(serialized, features, task)

    return (
        records.batch(batch_size, drop_remainder=repeat)
        .shard(count, position)
        .map(parse, num_parallel_calls=parallel, deterministic=True)
        .prefetch(tf.data.AUTOTUNE if reading.prefetch < 0 else reading.prefetch)
    )


def _late(serialized: Any, seconds: float) -> Any:
    import tensorflow as tf

    def wait(rows: Any) -> Any:
        time.sleep(seconds)
        return rows

    waited = tf.numpy_function(wait, [serialized], tf.string)
    return tf.ensure_shape(waited, serialized.shape)


def parse_batch(
    serialized: Any, features: Mapping[str, FeatureSpec], task: str
) -> tuple[dict[str, Any], Any]:
    """Serialized tf.Examples, (rows,), as inputs of a model and labels."""
    import tensorflow as tf

    parsed = tf.io.parse_example(serialized, parsing_spec(features, task))
    label = parsed.pop(LABEL)
    return decode(parsed, features), label


def parsing_spec(features: Mapping[str, FeatureSpec], task: str | None) -> Any:
    """For ``tf.io.parse_example``; with the label, if there is a task."""
    import tensorflow as tf

    lists = {"floats": tf.float32, "integers": tf.int64}
    spec: dict[str, Any] = {
        name: tf.io.FixedLenFeature(feature.shape, lists[feature.stored])
        if feature.stored in lists
        else tf.io.FixedLenFeature((), tf.string)
        for name, feature in features.items()
    }
    if task is not None:
        dtype = tf.int64 if task == "classify" else tf.float32
        spec[LABEL] = tf.io.FixedLenFeature((), dtype)
    return spec


def decode(parsed: Mapping[str, Any], features: Mapping[str, FeatureSpec]) -> Any:
    """What tf.Examples hold, as a model gets it."""
    return {name: _decode(parsed[name], spec) for name, spec in features.items()}


def _decode(value: Any, spec: FeatureSpec) -> Any:
    import tensorflow as tf

    if spec.stored in ("floats", "integers"):
        return tf.cast(value, spec.dtype)
    size = 1
    for length in spec.shape:
        size *= length
    if spec.stored == "text":
        raw = tf.io.decode_raw(value, tf.uint8, fixed_length=size)
        return tf.reshape(tf.cast(raw, tf.int32), (-1, *spec.shape))
    dtype, scale = (tf.uint8, 255.0) if spec.stored == "pixels" else (tf.int16, 32768.0)
    raw = tf.reshape(tf.io.decode_raw(value, dtype), (-1, *spec.shape))
    return tf.cast(raw, tf.float32) / scale
