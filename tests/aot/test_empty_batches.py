# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batches without rows, and outputs without a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tfnative


@pytest.fixture(scope="module")
def anchors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Doubles rows, and gives a constant that belongs to none of them."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("anchors")
    module = tf.Module()
    module.f = tf.function(
        lambda x: {"y": x * 2.0, "anchors": tf.constant([1.0, 2.0, 3.0])},
        input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")],
    )
    tf.saved_model.save(module, str(folder / "model"), signatures=module.f)
    return tfnative.compile(
        folder / "model", folder / "anchors", batch_sizes=[1, 4], cpus=["native"]
    )


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 9])
def test_an_output_without_rows_is_given_once_for_any_number_of_rows(
    anchors: Path, rows: int
) -> None:
    with tfnative.load(anchors) as model:
        assert model.signature().rows_independent
        x = np.arange(2 * rows, dtype=np.float32).reshape(rows, 2)
        for _ in range(3):  # Memory of the calls before is not in it.
            garbage = np.full(3, 7, np.float32)
            del garbage
            found = model.predict(x)
            np.testing.assert_array_equal(found["y"], 2 * x)
            np.testing.assert_array_equal(found["anchors"], [1, 2, 3])


def test_the_manifest_says_that_rows_are_proved_independent(anchors: Path) -> None:
    with tfnative.load(anchors) as model:
        (signature,) = model.manifest.signatures.values()
        assert (signature.rows, signature.rows_reason) == ("proved", "")
