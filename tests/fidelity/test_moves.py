# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""NaN and infinities stay where they are when elements are moved, or images resized.

A product with zeros and ones would move ordinary numbers as well, and spread these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.fidelity.compiled import both, differing
from tests.turns import Once

Moves = dict[str, Callable[..., Any]]
NUMBERS = [1, 2, -3, 0.5, np.nan, np.inf, -np.inf, 1e30, -0.0, 7]
RANDOM = np.random.default_rng(0)
INPUTS = {
    "rows": RANDOM.choice(NUMBERS, (4, 6)).astype(np.float32),
    "images": RANDOM.choice([*NUMBERS, *[1] * 20], (2, 4, 6, 4)).astype(np.float32),
    "matrices": RANDOM.choice(NUMBERS, (2, 3, 3)).astype(np.float32),
}


def moves() -> Moves:
    """Of rows ``x``, images ``p`` and square matrices ``a``."""
    raw = tf.raw_ops
    return {
        "batch to space": lambda x, p, a: raw.BatchToSpaceND(
            input=tf.tile(p, [2, 1, 1, 1]), block_shape=[2, 2], crops=[[0, 0], [1, 1]]
        ),
        "space to batch": lambda x, p, a: raw.SpaceToBatchND(
            input=p, block_shape=[2, 2], paddings=[[0, 0], [1, 1]]
        ),
        "depth to space": lambda x, p, a: tf.nn.depth_to_space(p, 2),
        "space to depth": lambda x, p, a: tf.nn.space_to_depth(p, 2),
        "tensor diag": lambda x, p, a: tf.linalg.tensor_diag(x[0]),
        "tensor diag part": lambda x, p, a: tf.linalg.tensor_diag_part(a[0]),
        "diag": lambda x, p, a: tf.linalg.diag(x),
        "diags": lambda x, p, a: tf.linalg.diag(x[:2, :3], k=(-1, 0)),
        "diag part": lambda x, p, a: tf.linalg.diag_part(p),
        "diag parts": lambda x, p, a: tf.linalg.diag_part(p, k=(-1, 1)),
        "set diag": lambda x, p, a: tf.linalg.set_diag(a, x[:2, :3]),
        "band part": lambda x, p, a: tf.linalg.band_part(p, 1, 0),
        "trace": lambda x, p, a: tf.linalg.trace(a),
        "gather": lambda x, p, a: tf.gather(x, [3, 0, 1]),
        "gather in batches": lambda x, p, a: tf.gather(
            x, [[0], [1], [2], [5]], batch_dims=1
        ),
        "gather nd": lambda x, p, a: tf.gather_nd(x, [[0, 1], [3, 5]]),
        "stitch": lambda x, p, a: tf.dynamic_stitch([[0, 2], [1, 3]], [x[:2], x[2:]]),
        "symmetric": lambda x, p, a: tf.pad(x, [[1, 1], [2, 2]], "SYMMETRIC"),
        "one hot": lambda x, p, a: tf.one_hot([0, 2, 5], 4, x[0, 0], x[0, 1]),
        "reverse sequence": lambda x, p, a: tf.reverse_sequence(
            x, [1, 3, 6, 2], seq_axis=1
        ),
        "roll": lambda x, p, a: tf.roll(x, [1, 2], [0, 1]),
        "scatter": lambda x, p, a: tf.scatter_nd([[1], [3], [1]], x[:3], [5, 6]),
        "update": lambda x, p, a: tf.tensor_scatter_nd_update(x, [[1], [2]], x[2:]),
        "where": lambda x, p, a: tf.where(x > 1, x, -x),
        "segments": lambda x, p, a: tf.math.unsorted_segment_sum(x, [0, 1, 0, 2], 3),
        "cumsum": lambda x, p, a: tf.cumsum(x, 1, exclusive=True),
        "einsum": lambda x, p, a: tf.einsum("bii->bi", a),
        "nearest": lambda x, p, a: tf.image.resize(p, [7, 3], method="nearest"),
        **resizes(),
        **patches(),
    }


def resizes() -> Moves:
    """All grids; uint8, whose pixels XLA takes from wrong places."""
    found: Moves = {}
    for size in ((7, 9), (4, 6)):
        for grid in ("half_pixel_centers", "align_corners", "neither"):
            chosen = {"size": size} if grid == "neither" else {"size": size, grid: True}

            def resize(x: Any, p: Any, a: Any, chosen: Any = chosen) -> Any:
                return tf.raw_ops.ResizeBilinear(images=p, **chosen)

            def of_bytes(x: Any, p: Any, a: Any, chosen: Any = chosen) -> Any:
                images = tf.cast(tf.range(60), tf.uint8) * 37
                images = tf.reshape(images, [1, 5, 6, 2])
                return tf.raw_ops.ResizeBilinear(images=images, **chosen) + a[0, 0, 0]

            found[f"{grid} {size}"] = resize
            if size == (7, 9):
                found[f"{grid} {size} bytes"] = of_bytes
    return found


def patches() -> Moves:
    """Windows, strides, rates and paddings."""
    found: Moves = {}
    for window, strides, rates, padding in (
        ((3, 3), (1, 1), (1, 1), "SAME"),
        ((2, 2), (2, 2), (1, 1), "VALID"),
        ((2, 3), (3, 1), (1, 2), "SAME"),
        ((3, 2), (2, 1), (1, 2), "VALID"),
    ):
        given = [[1, *pair, 1] for pair in (window, strides, rates)]

        def take(
            x: Any, p: Any, a: Any, given: Any = given, padding: str = padding
        ) -> Any:
            return tf.image.extract_patches(p, *given, padding)

        found[f"patches {window} {strides} {rates} {padding}"] = take
    return found


@pytest.mark.slow
def test_what_is_moved_is_what_it_was(once: Once) -> None:
    def compute(x: Any, p: Any, a: Any) -> dict[str, Any]:
        return {
            f"y{number}": move(x, p, a) for number, move in enumerate(moves().values())
        }

    found, wanted = both(once, "moves", compute, INPUTS)
    wrong = [
        name
        for number, name in enumerate(moves())
        if differing(found[f"y{number}"], wanted[f"y{number}"], 1e-5, 1e-6).any()
    ]
    assert not wrong
