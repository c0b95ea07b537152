# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Floats that become short integers: tried where TensorFlow defines the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative
from tests.fidelity.compiled import with_rows
from tests.turns import Once

pytestmark = pytest.mark.slow  # Many small compilations.

IMAGES = np.random.default_rng(11).random((3, 4, 6, 3), np.float32)
ROW = IMAGES.shape[1:]

convert = tf.image.convert_image_dtype


def _through_an_image(x: Any) -> Any:
    """Rounded to 8 bits and back, as an image is that was saved."""
    return tf.cast(convert(x, tf.uint8), tf.float32) / 255 - 0.5


CASES: dict[str, Callable[[Any], Any]] = {
    "uint8": lambda x: convert(x, tf.uint8),
    "uint16": lambda x: convert(x, tf.uint16),
    "int8": lambda x: convert(x, tf.int8),
    "saturated": lambda x: convert(x, tf.uint8, saturate=True),
    "grey": lambda x: tf.image.rgb_to_grayscale(convert(x, tf.uint8)),
    "through": _through_an_image,
    "percent": lambda x: tf.cast(x * 100 + 100, tf.uint8),
    "cast": lambda x: tf.cast(x, tf.uint32),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_in_range_is_as_in_tensorflow(once: Once, name: str) -> None:
    path = once(f"narrow/{name}", lambda folder: with_rows(folder, CASES[name], ROW))
    with tfnative.load(path) as model:
        for rows in (0, 1, 3):
            wanted = CASES[name](tf.constant(IMAGES[:rows])).numpy()
            found = model.predict({"x": IMAGES[:rows]})["y"]
            assert found.dtype == wanted.dtype
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


def _far(x: Any) -> Any:
    """In range for numbers that nobody draws, and elsewhere different in vectors."""
    return tf.cast(x - 1000, tf.uint8)


def test_inputs_that_are_given_decide_alone(tmp_path: Path) -> None:
    given = {"x": IMAGES + 1100}
    with tfnative.load(with_rows(tmp_path, _far, ROW, golden=given)) as model:
        found = model.predict(given)["y"]
    np.testing.assert_array_equal(found, _far(tf.constant(given["x"])))


def test_without_them_the_cast_is_named(tmp_path: Path) -> None:
    with pytest.raises(tfnative.CompileError, match=r"\(Cast\) .* give .* --golden"):
        with_rows(tmp_path, lambda x: tf.cast(x * 1e3 + 1e3, tf.uint8), ROW)


def test_all_is_compared_where_the_casts_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> Any:
        raise tfnative.CompileError("there is no plain graph")

    monkeypatch.setattr("tfnative_aot.verify.narrow_casts.plain_graph", missing)
    path = with_rows(tmp_path, lambda x: tf.cast(tf.sigmoid(x) * 200, tf.uint8), [3])
    with tfnative.load(path) as model:
        found = model.predict({"x": np.float32([[-20, 0, 20]])})["y"]
    np.testing.assert_array_equal(found, [[0, 100, 200]])
