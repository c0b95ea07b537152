# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model with outputs that have no batch, with dependent rows, and with both."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np

import tfnative
from tests.turns import Once

Arrays = dict[str, np.ndarray[Any, Any]]

LEVEL = "x86-64-v3" if platform.machine() == "x86_64" else "native"
"""A CPU level that valgrind knows."""
BATCH_SIZES = (2, 4)
ROWS = (0, 1, 2, 3, 4, 9)
"""Nothing, padded, compiled, and split."""
ANY_ROWS = ("anchors", "doubled", "mixed")
SIGNATURES = (*ANY_ROWS, "picky", "total", "centred", "best", "mixed_sum")


def functions() -> dict[str, Any]:
    """Signatures with outputs that have no batch, with dependent rows, or both."""
    import tensorflow as tf

    x = tf.TensorSpec([None, 2], tf.float32, name="x")
    b = tf.TensorSpec([], tf.float32, name="b")
    variable = tf.Variable([1.0, 2.0], name="weights")

    def anchors(x: Any) -> Any:
        flags = tf.constant([True, False, True])
        return {"y": x * 2.0, "flags": flags, "weights": variable + 1.0}

    def total(x: Any) -> Any:
        return {
            "total": tf.reduce_sum(x),
            "rows": tf.shape(x)[0],
            "mean": tf.reduce_mean(x, 0),
            "largest": tf.reduce_max(x),
            "product": tf.reduce_prod(x, 0),
            "any": tf.reduce_any(x > 0),
        }

    def picky(x: Any) -> Any:
        # Which TensorFlow refuses where any dimension is empty.
        return {"y": tf.pad(x, [[0, 0], [1, 1]], "REFLECT")}

    functions = {
        "anchors": tf.function(anchors, [x]),
        "total": tf.function(total, [x]),
        "centred": tf.function(lambda x: {"y": x - tf.reduce_mean(x, 0)}, [x]),
        "doubled": tf.function(lambda x: {"y": x * 2.0}, [x]),
        "picky": tf.function(picky, [x]),
        "best": tf.function(lambda x: {"best": tf.argmax(x, 0)}, [x]),
        "mixed": tf.function(lambda x, b: {"y": x * b, "b": b * 3.0}, [x, b]),
        "mixed_sum": tf.function(lambda x, b: {"sum": tf.reduce_sum(x) * b}, [x, b]),
    }
    return {**functions, "_variable": variable}


def inputs_of(signature: str, rows: int) -> Arrays:
    """Of a signature of ``functions``."""
    found = {"x": np.arange(2 * rows, dtype=np.float32).reshape(rows, 2) - 3}
    if signature.startswith("mixed"):
        found["b"] = np.array(3, np.float32)
    return found


def rows_of(signature: str) -> tuple[int, ...]:
    """What it can be run for: dependent rows are neither padded nor split."""
    if signature in ANY_ROWS:
        return ROWS
    if signature == "picky":
        return ROWS[1:]
    return BATCH_SIZES if signature in ("best", "mixed_sum") else (0, *BATCH_SIZES)


def save(once: Once) -> Path:
    """The SavedModel."""

    def export(folder: Path) -> Path:
        import tensorflow as tf

        module = tf.Module()
        found = functions()
        module.variable = found.pop("_variable")
        module.functions = found
        tf.saved_model.save(module, str(folder / "model"), signatures=found)
        return folder / "model"

    return once("fidelity/edges/model", export)


def build(once: Once) -> Path:
    """The artifact, with an archive."""

    def compile_edges(folder: Path) -> Path:
        return tfnative.compile(
            save(once),
            folder / "edges",
            name="edges",
            signatures=SIGNATURES,
            batch_sizes=BATCH_SIZES,
            cpus=[LEVEL],
            static=True,
        )

    return once("fidelity/edges/artifact", compile_edges)
