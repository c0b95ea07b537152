# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Calls of our kernels take the place of ops, or it is said why they cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

from tests.models.saving import function_save
from tfnative.errors import CompileError
from tfnative_aot.freeze.check import check
from tfnative_aot.freeze.freeze import freeze
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.load_model import LoadedModel, load_model
from tfnative_aot.load.places import Places
from tfnative_aot.split.divide import prepare
from tfnative_aot.xla.own_kernels import has_own_kernels, with_own_kernels

Tensors = dict[str, Any]
SHAPES = {"boxes": (None, 9, 4), "scores": (None, 9, 2), "limit": (), "size": ()}


def loaded(
    function: Callable[..., Tensors], folder: Path, rows: int | None = None
) -> LoadedModel:
    inputs: Tensors = {name: (shape, "float32") for name, shape in SHAPES.items()}
    for name in ("boxes", "scores"):
        inputs[name] = ((rows, *SHAPES[name][1:]), "float32")
    inputs["size"] = ((), "int32")
    return load_model(function_save(function, **inputs)(folder))


def frozen(
    function: Callable[..., Tensors], folder: Path, rows: int | None = None
) -> FrozenGraph:
    return prepare(loaded(function, folder, rows), "serving_default", None).graph


def combined(boxes: Any, scores: Any, per_class: Any = 3, **options: Any) -> Any:
    given = {"max_total_size": 4, "iou_threshold": 0.5, "score_threshold": 0.1}
    return tf.raw_ops.CombinedNonMaxSuppression(
        boxes=boxes[:, :, None],
        scores=scores,
        max_output_size_per_class=per_class,
        **(given | options),
    )


def single(boxes: Any, scores: Any, size: Any = 3, **options: Any) -> Any:
    given = {"iou_threshold": 0.5, "pad_to_max_output_size": True}
    return tf.raw_ops.NonMaxSuppressionV5(
        boxes=boxes,
        scores=scores,
        max_output_size=size,
        score_threshold=0.1,
        soft_nms_sigma=0.0,
        **(given | options),
    )


def each_image(boxes: Any, scores: Any, limit: Any, size: Any) -> Tensors:
    found = tf.map_fn(
        lambda image: single(image[0], image[1][:, 0], iou_threshold=limit)[0],
        (boxes, scores),
        fn_output_signature=tf.TensorSpec([3], tf.int32),
    )
    return {"y": found + size}


def of_a_branch(boxes: Any, scores: Any, limit: Any, size: Any) -> Tensors:
    found = tf.cond(
        limit > 0.5,
        lambda: combined(boxes, scores, iou_threshold=limit)[3] + size,
        lambda: tf.fill([tf.shape(boxes)[0]], size),
    )
    return {"y": found}


def of_a_batch(boxes: Any, scores: Any, limit: Any, size: Any) -> Tensors:
    return {"y": combined(boxes, scores)[1] * limit, "size": size}


@pytest.mark.parametrize("function", [of_a_batch, each_image, of_a_branch])
def test_a_call_takes_the_place_of_an_op_wherever_it_is(
    function: Callable[..., Tensors], tmp_path: Path
) -> None:
    graph = frozen(function, tmp_path)
    before = graph.graph_def.SerializeToString(deterministic=True)
    made = with_own_kernels(graph, 3).graph_def
    assert has_own_kernels(graph.graph_def)
    assert not has_own_kernels(made)
    assert graph.graph_def.SerializeToString(deterministic=True) == before
    nodes = [n for f in made.library.function for n in f.node_def]
    (call,) = (node for node in nodes if node.op == "XlaCustomCallV2")
    assert call.attr["call_target_name"].s == b"TopK"


REFUSED: dict[str, tuple[str, Callable[..., Any]]] = {
    "overlap": (
        "has an iou_threshold of 1.5, which TensorFlow refuses",
        lambda b, s, limit, size: combined(b, s, iou_threshold=1.5)[1],
    ),
    "no_overlap": (
        "has an iou_threshold of nan, which TensorFlow refuses",
        lambda b, s, limit, size: combined(b, s, iou_threshold=float("nan"))[1],
    ),
    "none_of_a_class": (
        "has a max_output_size_per_class of 0, which TensorFlow refuses",
        lambda b, s, limit, size: combined(b, s, 0)[1],
    ),
    "size_of_data": (
        "its operand 'max_output_size' has to be known when the model is compiled, "
        "but comes from the input 'size'; fix that with --constant size=VALUE",
        lambda b, s, limit, size: single(b[0], s[0, :, 0], size)[2],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_known_or_not_taken_is_named(case: str, tmp_path: Path) -> None:
    reason, compute = REFUSED[case]
    graph = frozen(
        lambda boxes, scores, limit, size: {
            "y": compute(boxes, scores, limit, size),
            "others": (tf.reduce_sum(boxes[0]) + tf.reduce_sum(scores[0])) * limit,
            "size": size,
        },
        tmp_path,
    )
    with pytest.raises(CompileError) as error:
        with_own_kernels(graph, 3)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    "op", ["", "V2", "V3", "V4", "V5", "WithOverlaps"], ids=lambda op: op or "V1"
)
def test_xla_is_not_given_as_many_boxes_as_are_found(op: str, tmp_path: Path) -> None:
    options: Tensors = {"iou_threshold": 0.5, "score_threshold": 0.1}
    if op in ("", "V2"):
        del options["score_threshold"]
    if op == "V5":
        options["soft_nms_sigma"] = 0.5
    if op == "WithOverlaps":
        options["overlap_threshold"] = options.pop("iou_threshold")

    def find(boxes: Any, scores: Any, limit: Any, size: Any) -> Tensors:
        given = boxes[0] if op != "WithOverlaps" else boxes[0] @ tf.transpose(boxes[0])
        found = getattr(tf.raw_ops, f"NonMaxSuppression{op}")(
            **{"overlaps" if op == "WithOverlaps" else "boxes": given},
            scores=scores[0, :, 0],
            max_output_size=3,
            **options,
        )
        found = found if tf.is_tensor(found) else found[0]
        return {"y": found, "others": limit, "size": size}

    model = loaded(find, tmp_path, rows=3)
    with pytest.raises(
        CompileError, match="the size of its result depends on the data"
    ):
        check(freeze(model, "serving_default"), Places(model.path))
