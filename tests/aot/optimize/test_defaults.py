# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a caller of TensorFlow 1 may leave out may be left out afterwards, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative

X = np.array([[1.0, 2.0]], np.float32)


def graph_with_defaults() -> tuple[Any, dict[str, Any], Any]:
    """A graph of y = x * k + m, of which k is 2 and m is 3 x k by default."""
    import tensorflow as tf

    tf1 = tf.compat.v1
    graph = tf.Graph()
    with graph.as_default():
        x = tf1.placeholder(tf.float32, [None, 2], "x")
        k = tf1.placeholder_with_default(tf.identity(2.0), [], "k")
        m = tf1.placeholder_with_default(tf.constant(3.0) * k, [], "m")
        y = tf.add(x * k, m, name="y")
    return graph, {"x": x, "k": k, "m": m}, y


def save(folder: Path) -> Path:
    import tensorflow as tf

    tf1 = tf.compat.v1
    graph, inputs, y = graph_with_defaults()
    builder = tf1.saved_model.Builder(str(folder))
    with graph.as_default(), tf1.Session() as session:
        info = tf1.saved_model.build_tensor_info
        definition = tf1.saved_model.build_signature_def(
            {name: info(tensor) for name, tensor in inputs.items()},
            {"y": info(y)},
            "tensorflow/serving/predict",
        )
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": definition}
        )
        builder.save()
    return folder


@pytest.mark.parametrize("transforms", [None, "obfuscate_names"])
def test_a_signature_of_tensorflow_1_keeps_its_defaults(
    tmp_path: Path, transforms: str | None
):
    tf = pytest.importorskip("tensorflow")
    saved = save(tmp_path / "model")
    done = tfnative.optimize(saved, tmp_path / "small", transforms=transforms)
    (note,) = done.notes
    assert note.kind == "no_default"
    assert "needs a value of m now" in note.text
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        model = tf.compat.v1.saved_model.load(session, ["serve"], str(done.output))
        ends = model.signature_def["serving_default"]
        x, k, m = (ends.inputs[name].name for name in "xkm")
        y = ends.outputs["y"].name
        np.testing.assert_array_equal(session.run(y, {x: X, m: 1.0}), 2 * X + 1)
        given = session.run(y, {x: X, k: 5.0, m: 1.0})
        np.testing.assert_array_equal(given, 5 * X + 1)
    # It may be optimized again.
    again = tfnative.optimize(done.output, tmp_path / "smaller")
    assert not any(note.kind == "no_default" for note in again.notes)


def test_a_frozen_graph_keeps_its_defaults(tmp_path: Path):
    tf = pytest.importorskip("tensorflow")
    graph, _, _ = graph_with_defaults()
    (tmp_path / "net.pb").write_bytes(graph.as_graph_def().SerializeToString())
    done = tfnative.optimize(
        tmp_path / "net.pb",
        tmp_path / "small.pb",
        format="graphdef",
        inputs=["x:0", "k:0", "m:0"],
        outputs=["y:0"],
    )
    written = tf.compat.v1.GraphDef.FromString(Path(done.output).read_bytes())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.graph_util.import_graph_def(written, name="")
        found = session.run("y:0", {"x:0": X, "m:0": 1.0})
    np.testing.assert_array_equal(found, 2 * X + 1)
