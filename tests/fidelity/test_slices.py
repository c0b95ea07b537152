# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Slices whose indices are known at run time only take what TensorFlow takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative
from tests.turns import Once
from tfnative.manifest import Manifest

ROWS = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)


def _in_loop(x: Any, i: Any) -> Any:
    def add(step: Any, total: Any) -> tuple[Any, Any]:
        own = x[:, step, 2:] * x[..., i, 1:-1] + x[:, -1 - step, :-2]
        return step + 1, total + own

    return tf.while_loop(lambda step, _: step < 3, add, (0, x[:, i, 2:]))[1]


SLICES = {
    "beside a beginning": lambda x, i: x[:, i, 1:],
    "beside an end": lambda x, i: x[:, i, :-2],
    "beside a stride": lambda x, i: x[..., i, ::-2],
    "beside an index": lambda x, i: x[:, i, -2],
    "after a range": lambda x, i: x[:, 1:4, i],
    "two": lambda x, i: x[:, i, i],
    "two beside a new axis": lambda x, i: x[:, i, tf.newaxis, i],
    "after an ellipsis": lambda x, i: x[..., tf.newaxis, 1:, tf.newaxis, i],
    "before an ellipsis": lambda x, i: x[:, i, tf.newaxis, ..., 3:],
    "in a loop": _in_loop,
    "in a branch": lambda x, i: tf.cond(
        i > 0, lambda: x[:, i - 1, 3:], lambda: x[:, i, 1:4]
    ),
    "of given sizes": lambda x, i: tf.slice(x, [0, i % 4, 1], [-1, 2, -1]),
}
OF_ANY_SIZE = {
    "an end": lambda x, i: x[:, :i],
    "a beginning": lambda x, i: x[:, i:],
    "a window": lambda x, i: x[:, i : i + 2],
    "a size": lambda x, i: tf.slice(x, [0, 0, 0], [-1, i, -1]),
    "the rest": lambda x, i: tf.slice(x, [0, i, 0], [-1, -1, -1]),
    "a counter": lambda x, i: tf.while_loop(
        lambda step, _: step < 3,
        lambda step, y: (
            step + 1,
            y + tf.reduce_sum(x[:, step:, 1:], 1, True) + tf.cast(i, x.dtype),
        ),
        (0, x[:, :1, 1:]),
    )[1],
}


def _save(folder: Path, call: Any) -> Path:
    module = tf.Module()
    specs = [
        tf.TensorSpec([None, 5, 6], tf.float32, "x"),
        tf.TensorSpec([], tf.int32, "i"),
    ]
    module.f = tf.function(call, input_signature=specs, autograph=False)
    tf.saved_model.save(module, folder / "model", signatures=module.f)
    return folder / "model"


def _all(x: Any, i: Any) -> dict[str, Any]:
    each = enumerate(SLICES.values())
    return {f"y{number}": compute(x, i) for number, compute in each}


@pytest.mark.parametrize("index", [0, 3, 4, -1, -2, -5])
def test_constants_beside_an_index_are_as_exact_as_alone(
    once: Once, index: int
) -> None:
    def make(folder: Path) -> Path:
        model = _save(folder, _all)
        return tfnative.compile(model, folder / "s", name="s", cpus=["native"])

    artifact = once("slices", make)
    (signature,) = Manifest.from_json(
        (artifact / "manifest.json").read_text()
    ).signatures.values()
    assert signature.rows == "proved", signature.rows_reason
    with tfnative.load(artifact) as model:
        got = model.predict({"x": ROWS, "i": np.int32(index)})
    wanted = _all(tf.constant(ROWS), tf.constant(index))
    for number, name in enumerate(SLICES):
        given, found = wanted[f"y{number}"].numpy(), got[f"y{number}"]
        np.testing.assert_array_equal(found, given, name)


@pytest.mark.parametrize("name", OF_ANY_SIZE)
def test_a_slice_of_any_size_is_refused_wherever_it_goes(
    tmp_path: Path, name: str
) -> None:
    def last(x: Any, i: Any) -> dict[str, Any]:
        return {"y": OF_ANY_SIZE[name](x, i)[:, -1]}

    model = _save(tmp_path, last)
    with pytest.raises(tfnative.CompileError, match=r"Slice\).*has to be known when"):
        tfnative.compile(model, tmp_path / "s", name="s", cpus=["native"])
