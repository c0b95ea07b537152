# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Calls of the kernels that choose among boxes, made for a node of known sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot import adapters
from tfnative_aot.freeze.own_calls import COMBINED, SINGLE, TARGET, OwnCall

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef


_NAME = "call"


class NotKnownError(Exception):
    """What has to be known of a node is not, or is wrong; the message says what.

    Attributes:
        place: The input that has to be constant and is not, or None.
    """

    def __init__(self, message: str, place: int | None = None) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True)
class Replacement:
    """What takes the place of a node.

    Attributes:
        call: What it calls.
        inputs: The inputs of the node that it takes, by their places.
        function: It, with the outputs of the node.
    """

    call: OwnCall
    inputs: tuple[int, ...]
    function: FunctionDef


def combined(op: Any) -> Replacement:
    """In the place of CombinedNonMaxSuppression.

    Raises:
        NotKnownError: Its sizes are not known, or TensorFlow refuses them.
    """
    rows, boxes, box_classes, corners = _sizes(op, 0, 4)
    _, scored, classes = _sizes(op, 1, 3)
    if corners != 4 or scored != boxes or box_classes not in (1, classes):
        raise NotKnownError("has boxes and scores that do not fit each other")
    per_class, total = _constant(op, 2), _constant(op, 3)
    if per_class <= 0:
        raise NotKnownError(
            f"has a max_output_size_per_class of {per_class}, which TensorFlow refuses"
        )
    _check_share(op, 4)
    size = min(total, per_class * classes) if op.get_attr("pad_per_class") else total
    kept = min(per_class, boxes)
    call = OwnCall(
        COMBINED,
        op.type,
        {
            "boxes": boxes,
            "box_classes": box_classes,
            "classes": classes,
            "per_class": kept,
            "size": size,
            "clip": int(op.get_attr("clip_boxes")),
        },
    )

    def compute(boxes: Any, scores: Any, most: Any, least: Any) -> list[Any]:
        thresholds = tf.broadcast_to(tf.stack([most, least]), [rows, 2])
        parts = [
            *(tf.reshape(each, [rows, -1]) for each in (boxes, scores)),
            thresholds,
        ]
        width = 6 * size + 2 * classes * kept
        values, counts = _called(call, tf.concat(parts, 1), width, 1)
        return [
            tf.reshape(values[:, : 4 * size], [rows, size, 4]),
            values[:, 4 * size : 5 * size],
            values[:, 5 * size : 6 * size],
            counts[:, 0],
        ]

    return _replacement(op, call, (0, 1, 4, 5), compute)


def single(op: Any) -> Replacement:
    """In the place of NonMaxSuppressionV4 and V5.

    Raises:
        NotKnownError: Its sizes are not known, or TensorFlow refuses them.
    """
    boxes, corners = _sizes(op, 0, 2)
    (scored,) = _sizes(op, 1, 1)
    if corners != 4 or scored != boxes:
        raise NotKnownError("has boxes and scores that do not fit each other")
    size = _constant(op, 2)
    _check_share(op, 3)
    call = OwnCall(SINGLE, op.type, {"boxes": boxes, "size": size})
    is_soft = op.type == "NonMaxSuppressionV5"

    def compute(
        boxes: Any, scores: Any, most: Any, least: Any, sigma: Any = 0.0
    ) -> list[Any]:
        parts = [tf.reshape(boxes, [-1]), scores, tf.stack([most, least, sigma])]
        values, found = _called(call, tf.concat(parts, 0)[None], max(size, 1), size + 1)
        numbers, count = found[0, 1:], found[0, 0]
        return [numbers, values[0, :size], count] if is_soft else [numbers, count]

    return _replacement(op, call, (0, 1, 3, 4, 5)[: 4 + is_soft], compute)


def _called(call: OwnCall, rows: Any, floats: int, integers: int) -> tuple[Any, Any]:
    """The results of a call, as many of each for each row."""
    count = rows.shape[0]
    sizes = ([count, floats], [count, integers])
    results: tuple[Any, Any] = adapters.tf().custom_call(
        rows, TARGET, call.configuration(), sizes, _NAME
    )
    return results


def _replacement(
    op: Any, call: OwnCall, inputs: tuple[int, ...], compute: Callable[..., Any]
) -> Replacement:
    specs = [tf.TensorSpec(op.inputs[n].shape, op.inputs[n].dtype) for n in inputs]

    def named(*arguments: Any) -> list[Any]:
        # What computes it is told of as if it were the node itself.
        with arguments[0].graph.name_scope(f"{op.name}/"):
            made: list[Any] = compute(*arguments)
        return made

    traced = tf.function(named, input_signature=specs, autograph=False)
    return Replacement(call, inputs, traced.get_concrete_function().function_def)


def _sizes(op: Any, place: int, rank: int) -> Sequence[int]:
    shape = op.inputs[place].shape
    if shape.rank != rank or not shape.is_fully_defined():
        raise NotKnownError(
            f"has {'boxes' if place == 0 else 'scores'} whose sizes are not known "
            "when the model is compiled"
        )
    sizes: Sequence[int] = shape.as_list()
    return sizes


def _constant(op: Any, place: int) -> int:
    value = adapters.tf().inferred_value(op.inputs[place])
    if value is None:
        raise NotKnownError("", place)
    return int(value)


def _check_share(op: Any, place: int) -> None:
    value = adapters.tf().inferred_value(op.inputs[place])
    if value is not None and not 0 <= value <= 1:
        raise NotKnownError(
            f"has an iou_threshold of {float(value):g}, which TensorFlow refuses"
        )


RULES: Mapping[str, Callable[[Any], Replacement]] = {
    "CombinedNonMaxSuppression": combined,
    "NonMaxSuppressionV4": single,
    "NonMaxSuppressionV5": single,
}
"""By op."""
