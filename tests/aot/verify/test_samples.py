# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs are drawn that TensorFlow takes, whatever the sizes of tables are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative

pytestmark = pytest.mark.slow  # TensorFlow is loaded, and small models compiled.


def lookup(folder: Path, entries: int, dtype: str, **options: Any) -> Path:
    """Compiles a table, of which each row is one index, beside a number."""
    import tensorflow as tf

    module = tf.Module()
    table = np.arange(2.0 * entries, dtype=np.float32).reshape(entries, 2)
    module.table = tf.constant(table)
    specs = [
        tf.TensorSpec([None], dtype, "index"),
        tf.TensorSpec([None, 1], tf.float32, "number"),
    ]

    @tf.function(input_signature=specs, autograph=False)
    def serve(index: Any, number: Any) -> dict[str, Any]:
        return {"y": tf.concat([tf.gather(module.table, index), number], 1)}

    module.serve = serve
    tf.saved_model.save(module, str(folder / "model"), signatures=serve)
    return tfnative.compile(folder / "model", folder / "it", cpus=["native"], **options)


@pytest.mark.parametrize("entries", [1, 5, 7, 9, 11, 60])
def test_one_index_for_each_row_finds_a_table_of_any_size(tmp_path: Path, entries: int):
    path = lookup(tmp_path, entries, "int32" if entries % 2 else "int64")
    with tfnative.load(path) as model:
        assert model.manifest.signatures["serving_default"].rows == "proved"
        number = np.ones((3, 1), np.float32)
        index = np.array([0, entries - 1, entries // 2])
        kind = model.signatures["serving_default"].inputs["index"].dtype
        given = {"index": index.astype(kind), "number": number}
        found = model.predict(given)["y"][:, 0]
        np.testing.assert_array_equal(found, 2 * index)
        given["index"][1] = entries
        with pytest.raises(tfnative.InvalidArgumentError, match="is not in"):
            model.predict(given)


def test_what_tensorflow_has_no_kernel_for_is_named(tmp_path: Path):
    import tensorflow as tf

    def blocks(x: Any) -> dict[str, Any]:
        return {"y": tf.nn.depth_to_space(x, 2, data_format="NCHW")}

    module = tf.Module()
    spec = [tf.TensorSpec([None, 4, 6, 6], tf.float32, "x")]
    module.f = tf.function(blocks, input_signature=spec, autograph=False)
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.f)
    with pytest.raises(tfnative.CompileError) as refused:
        tfnative.compile(tmp_path / "model", tmp_path / "it", cpus=["native"])
    said = str(refused.value)
    assert "no kernel for DepthToSpace (DepthToSpace) with " in said
    assert 'data_format="NCHW"' in said
    assert "golden" not in said
    assert "\n" not in said
