# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes are chosen as TensorFlow's kernels choose them, bit by bit.

Coordinates and scores are of few different numbers, so that many scores are equal and
many overlaps are just what is allowed, and some are no numbers at all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative
from tfnative_aot import adapters

pytestmark = pytest.mark.slow  # Compilations of many settings.

Arrays = dict[str, Any]

BATCHES = 150
"""Drawn for each model; each has several settings, and four images."""
ROWS, BOXES, CLASSES = 4, 37, 19
_PARTS = ("boxes", "scores", "classes", "valid")


def coordinates(rng: np.random.Generator, *shape: int) -> Any:
    """Corners of boxes: few different ones or many, and now and then odd ones."""
    kind = rng.integers(4)
    found = rng.random(shape) * 1.4 - 0.2
    if kind:
        found = np.round(found * 6) / 6
    if kind > 1:
        odd = [np.nan, np.inf, -np.inf, -0.0, 3e38, -3e38, 1e-40, 1e-22, 1e20]
        found = np.where(rng.random(shape) < 0.03, rng.choice(odd, shape), found)
    if kind == 3:  # All boxes one.
        found = np.where(rng.random(shape) < 0.9, np.array([0, 0, 1, 1]), found)
    return found.astype(np.float32)


def marks(rng: np.random.Generator, *shape: int) -> Any:
    """Scores: few different ones or many, and now and then odd ones."""
    kind = rng.integers(4)
    found = rng.standard_normal(shape)
    if kind:
        found = np.round(found * (3 if kind < 3 else 1)) / 4
    if kind > 1:
        odd = [np.nan, np.inf, -np.inf, -0.0, 0.25, 3e38, -3e38, 1e-40]
        found = np.where(rng.random(shape) < 0.05, rng.choice(odd, shape), found)
    return found.astype(np.float32)


def combined(shared: Any, own: Any, scores: Any, limits: Any) -> Arrays:
    """CombinedNonMaxSuppression: of each kind of boxes, with several settings."""
    inf = float("inf")
    settings = {
        "plain": (shared, 10, 20, 0.5, 0.25, False, True),
        "own": (own, 5, 100, 0.3, 0.0, False, True),
        "padded": (own, 2, 500, 0.5, -0.5, True, False),
        "few": (shared, 3, 7, 0.6, 0.5, True, False),
        "whole": (shared, 50, 700, 1.0, -inf, False, False),
        "none": (own, 4, 6, 0.0, inf, True, True),
        "nan": (shared, 4, 6, 0.5, float("nan"), False, True),
        "given": (own, 40, 900, limits[0], limits[1], False, False),
    }
    found = {}
    for name, (boxes, per_class, total, most, least, pads, clips) in settings.items():
        results = tf.raw_ops.CombinedNonMaxSuppression(
            boxes=boxes,
            scores=scores,
            max_output_size_per_class=per_class,
            max_total_size=total,
            iou_threshold=most,
            score_threshold=least,
            pad_per_class=pads,
            clip_boxes=clips,
        )
        for part, tensor in zip(_PARTS, results, strict=True):
            found[f"{name}_{part}"] = tensor
    return found


def single(boxes: Any, scores: Any, limits: Any) -> Arrays:
    """NonMaxSuppressionV4 and V5, with and without softening."""
    found = {}
    for name, (size, most, least, sigma) in {
        "plain": (10, 0.5, 0.25, 0.0),
        "all": (60, 1.0, -float("inf"), 0.0),
        "zero": (60, 0.0, -0.5, 0.0),
        "soft": (10, 0.5, 0.1, 0.5),
        "softer": (60, 0.3, -0.4, 0.05),
        "none": (0, 0.5, 0.0, 0.0),
        "given": (20, limits[0], limits[1], limits[2]),
    }.items():
        numbers, chosen, count = tf.raw_ops.NonMaxSuppressionV5(
            boxes=boxes,
            scores=scores,
            max_output_size=size,
            iou_threshold=most,
            score_threshold=least,
            soft_nms_sigma=sigma,
            pad_to_max_output_size=True,
        )
        found |= {f"{name}_{i}": x for i, x in enumerate((numbers, chosen, count))}
        if isinstance(sigma, float) and sigma == 0:
            old = tf.raw_ops.NonMaxSuppressionV4(
                boxes=boxes,
                scores=scores,
                max_output_size=size,
                iou_threshold=most,
                score_threshold=least,
                pad_to_max_output_size=True,
            )
            found |= {f"{name}_old_{i}": x for i, x in enumerate(old)}
    return found


def drawn_combined(rng: np.random.Generator) -> Arrays:
    rows = int(rng.integers(1, ROWS + 1))
    return {
        "shared": coordinates(rng, rows, BOXES, 1, 4),
        "own": coordinates(rng, rows, BOXES, CLASSES, 4),
        "scores": marks(rng, rows, BOXES, CLASSES),
        "limits": rng.choice([0.0, 0.25, 0.5, 1.0, 1 / 3], 2).astype(np.float32),
    }


def drawn_single(rng: np.random.Generator) -> Arrays:
    return {
        "boxes": coordinates(rng, BOXES, 4),
        "scores": marks(rng, BOXES),
        "limits": rng.choice([0.0, 0.25, 0.5, 1.0], 3).astype(np.float32),
    }


SHAPES = {
    "shared": [None, BOXES, 1, 4],
    "own": [None, BOXES, CLASSES, 4],
    "scores": [None, BOXES, CLASSES],
    "limits": [2],
}
SINGLE_SHAPES = {"boxes": [BOXES, 4], "scores": [BOXES], "limits": [3]}


@pytest.mark.parametrize(
    ("function", "shapes", "drawn"),
    [(combined, SHAPES, drawn_combined), (single, SINGLE_SHAPES, drawn_single)],
)
def test_boxes_are_chosen_as_tensorflow_chooses_them(
    function: Callable[..., Arrays],
    shapes: dict[str, Any],
    drawn: Callable[[np.random.Generator], Arrays],
    tmp_path: Path,
) -> None:
    specs = [tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()]
    traced = tf.function(function, input_signature=specs, autograph=False)
    module = tf.Module()
    module.f = traced
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=traced)
    artifact = tfnative.compile(
        tmp_path / "m", tmp_path / "a", cpus=["native"], batch_sizes=[1, 3]
    )
    rng = np.random.default_rng(11)
    with tfnative.load(artifact) as model, adapters.tf().without_optimizers():
        for number in range(BATCHES):
            inputs = drawn(rng)
            wanted = traced(*map(tf.constant, inputs.values()))
            found = model.predict(inputs)
            for name, tensor in wanted.items():
                same = found[name].tobytes() == tensor.numpy().tobytes()
                assert same, (number, name, inputs)
