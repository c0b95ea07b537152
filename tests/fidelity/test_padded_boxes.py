# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes that a graph fills up to one number are those of TensorFlow, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative

Tensors = dict[str, Any]
BOXES, MOST = 23, 9
SPECS = [
    tf.TensorSpec([3, BOXES, 4], tf.float32, "boxes"),
    tf.TensorSpec([3, BOXES], tf.float32, "scores"),
]


def find(boxes: Any, scores: Any) -> Any:
    return tf.image.non_max_suppression(boxes, scores, MOST, 0.5, 0.25)


def numbers(boxes: Any, scores: Any) -> Tensors:
    found = find(boxes, scores)
    padded = tf.pad(found, [[0, MOST - tf.shape(found)[0]]])
    return {"numbers": padded, "boxes": tf.gather(boxes, padded)}


def gathered(boxes: Any, scores: Any) -> Tensors:
    found = find(boxes, scores)
    missing = MOST - tf.size(found)
    best = tf.pad(tf.gather(scores, found), [[0, missing]], constant_values=-1.0)
    chosen = tf.gather(boxes, found)
    return {
        "boxes": tf.pad(chosen, [[0, MOST - tf.shape(chosen)[0]], [0, 0]]),
        "scores": best,
        "count": tf.shape(chosen)[0],
        "numbers": tf.size(chosen),
    }


def joined(boxes: Any, scores: Any) -> Tensors:
    """With the count that the op itself gives."""
    found, best, count = tf.raw_ops.NonMaxSuppressionV5(
        boxes=boxes,
        scores=scores,
        max_output_size=MOST,
        iou_threshold=0.5,
        score_threshold=0.2,
        soft_nms_sigma=0.3,
    )
    missing = MOST - count
    wide = tf.cast(found, tf.int64)
    return {
        "numbers": tf.concat([wide, tf.fill([missing], tf.constant(-(2**40)))], 0),
        "scores": tf.concat([best, tf.fill([missing], -2.5)], -1),
    }


def without_least(boxes: Any, scores: Any) -> Tensors:
    found = tf.raw_ops.NonMaxSuppressionV2(
        boxes=boxes, scores=scores, max_output_size=MOST, iou_threshold=0.4
    )
    missing = tf.maximum(MOST - tf.shape(found)[0], 0)
    return {"numbers": tf.pad(found, [[0, missing]], constant_values=-1)}


def each(boxes: Any, scores: Any) -> Any:
    """Of an image, in the body of a loop."""
    found = find(boxes, scores)
    chosen = tf.gather(boxes, found)
    count = tf.shape(found)[0]
    padded = tf.pad(chosen, [[0, MOST - count], [0, 0]])
    return tf.ensure_shape(padded, [MOST, 4]), count


FUNCTIONS = (numbers, gathered, joined, without_least)


def all_of_them(boxes: Any, scores: Any) -> Tensors:
    found = {
        f"{function.__name__}_{name}": tensor
        for function in FUNCTIONS
        for name, tensor in function(boxes[0], scores[0]).items()
    }
    kinds = (tf.TensorSpec([MOST, 4], tf.float32), tf.TensorSpec([], tf.int32))
    pairs = tf.map_fn(
        lambda image: each(*image), (boxes, scores), fn_output_signature=kinds
    )
    return found | dict(zip(("each_boxes", "each_count"), pairs, strict=True))


def saved(function: Callable[..., Tensors], folder: Path) -> tuple[Any, Path]:
    traced = tf.function(function, input_signature=SPECS, autograph=False)
    module = tf.Module()
    module.f = traced
    tf.saved_model.save(module, str(folder), signatures=traced)
    return traced, folder


def assert_same(compiled: tfnative.Model, traced: Any, trials: int) -> None:
    rng = np.random.default_rng(2)
    for number in range(trials):  # Of few good scores, and of many.
        boxes = np.round(rng.random((3, BOXES, 4)) * 6) / 6
        scores = np.round(rng.standard_normal((3, BOXES)) * 3) / 4 - number % 4
        inputs = {"boxes": boxes, "scores": scores}
        inputs = {name: x.astype(np.float32) for name, x in inputs.items()}
        wanted = traced(*map(tf.constant, inputs.values()))
        found = compiled.predict(inputs)
        for name, tensor in wanted.items():
            np.testing.assert_array_equal(found[name], tensor, f"{number} {name}")


def test_boxes_that_are_filled_up_are_those_of_tensorflow(tmp_path: Path) -> None:
    traced, model = saved(all_of_them, tmp_path / "m")
    artifact = tfnative.compile(model, tmp_path / "a", cpus=["native"])
    with tfnative.load(artifact) as compiled:
        assert compiled.backend == "native"
        assert_same(compiled, traced, 60)


def to_another_size(boxes: Any, scores: Any) -> Tensors:
    found = find(boxes[0], scores[0])
    missing = tf.maximum(MOST - 1 - tf.shape(found)[0], 0)
    return {"y": tf.pad(found, [[0, missing]])}


def by_data(boxes: Any, scores: Any) -> Tensors:
    found = find(boxes[0], scores[0])
    more = tf.cast(scores[0, 0], tf.int32)
    return {"y": tf.pad(found, [[0, MOST + more - tf.shape(found)[0]]])}


def before(boxes: Any, scores: Any) -> Tensors:
    found = find(boxes[0], scores[0])
    return {"y": tf.pad(found, [[MOST - tf.shape(found)[0], 0]])}


def and_added_up(boxes: Any, scores: Any) -> Tensors:
    found = find(boxes[0], scores[0])
    missing = MOST - tf.shape(found)[0]
    return {"y": tf.pad(found, [[0, missing]]) + tf.reduce_sum(found)}


def with_several(boxes: Any, scores: Any) -> Tensors:
    found = find(boxes[0], scores[0])
    return {"y": tf.concat([found, tf.range(MOST - tf.shape(found)[0])], 0)}


@pytest.mark.parametrize(
    "function", [to_another_size, by_data, before, and_added_up, with_several]
)
def test_what_is_not_filled_up_to_one_size_is_left_to_tensorflow(
    function: Callable[..., Tensors], tmp_path: Path
) -> None:
    traced, model = saved(function, tmp_path / "m")
    artifact = tfnative.compile(model, tmp_path / "a", cpus=["native"])
    with tfnative.load(artifact) as compiled:
        tail = compiled.manifest.signatures["serving_default"].tail
        assert tail is not None
        assert any(op.startswith("NonMaxSuppression") for op in tail.ops)
        assert_same(compiled, traced, 8)
