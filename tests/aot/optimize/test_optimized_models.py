# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models of all ages go through the transforms, and stay the same models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.aot.optimize.plain_tensorflow import run_with_tensorflow
from tests.conftest import Export
from tests.models import ZOO, heads

# One of each way to be saved, and of each kind of layer.
KINDS = [
    "digits_cnn",
    "keras2_cnn",
    "keras3_bare",
    "mha",
    "tf1_loop",
    "unknown_length",
]


@pytest.mark.parametrize("name", KINDS)
def test_the_default_list_keeps_every_output_and_never_grows_the_file(
    name: str, export: Export, tmp_path: Path
):
    case, path = ZOO[name], export(ZOO[name])
    done = tfnative.optimize(path, tmp_path / "small", signatures=[case.signature])
    assert [s.transform for s in done.steps if not s.applied] == []
    assert max(step.total_error or 0 for step in done.steps) <= 1e-5
    assert done.steps[-1].bytes <= done.steps[0].bytes
    assert done.steps[-1].nodes <= done.steps[0].nodes
    inputs = case.inputs(5, np.random.default_rng(3))
    was = run_with_tensorflow(path, case.signature, inputs)
    for output, array in run_with_tensorflow(
        done.output, case.signature, inputs
    ).items():
        scale = float(np.max(np.abs(was[output].astype(np.float64)), initial=1e-9))
        np.testing.assert_allclose(
            array.astype(np.float64),
            was[output].astype(np.float64),
            rtol=0,
            atol=1e-5 * scale,
        )


@pytest.mark.slow
def test_the_optimized_model_is_loaded_by_all_that_load_models(
    export: Export, tmp_path: Path
):
    case = ZOO["digits_cnn"]
    done = tfnative.optimize(export(case), tmp_path / "small")
    inputs = case.inputs(3, np.random.default_rng(5))
    was = run_with_tensorflow(export(case), case.signature, inputs)["probabilities"]
    artifact = tfnative.compile(
        done.output, tmp_path / "compiled", cpus=["native"], batch_sizes=[3]
    )
    for model in (
        tfnative.load(done.output, backend="tensorflow"),
        tfnative.load(artifact),
    ):
        found = model.predict(inputs)
        np.testing.assert_allclose(found["probabilities"], was, atol=1e-5)
    again = tfnative.optimize(done.output, tmp_path / "again")
    assert again.steps[-1].nodes <= done.steps[-1].nodes


def test_signatures_share_their_weights(export: Export, tmp_path: Path):
    path = export(ZOO["digits_cnn"])
    both = tfnative.optimize(path, tmp_path / "both")
    one = tfnative.optimize(path, tmp_path / "one", signatures=["serving_default"])
    assert set(both.inputs) == {"serve", "serving_default"}
    assert list(one.inputs) == ["serving_default"]
    saved = tf.saved_model.load(str(one.output))
    assert list(saved.signatures) == ["serving_default"]
    constants = one.steps[-1].bytes
    assert both.steps[-1].bytes < 1.6 * constants
    assert both.steps[0].bytes < 1.6 * one.steps[0].bytes


def test_models_of_messages_are_compared_on_those_of_a_file(tmp_path: Path):
    path = heads.passengers(tmp_path / "passengers")
    rng = np.random.default_rng(4)
    messages = heads.random_messages(24, rng)
    with tf.io.TFRecordWriter(str(tmp_path / "messages.tfrecord")) as writer:
        for message in messages:
            writer.write(message)
    done = tfnative.optimize(
        path,
        tmp_path / "small",
        signatures=["serving_default"],
        representative_data=tmp_path / "messages.tfrecord",
    )
    inputs = {"examples": np.array(messages, object)}
    was = run_with_tensorflow(path, "serving_default", inputs)
    now = run_with_tensorflow(done.output, "serving_default", inputs)
    np.testing.assert_allclose(now["scores"], was["scores"], atol=1e-5)
    np.testing.assert_array_equal(now["age"], was["age"])
    assert "generated" not in {note.kind for note in done.notes}


def test_odd_signatures_stay_what_they_are(tmp_path: Path):
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer([0, 1, 2], ["cat", "dog", "cow"]),
        default_value="?",
    )
    module.weights = tf.Variable(tf.ones([4, 3]))
    number = tf.TensorSpec([None, 4], tf.float32, "x")

    @tf.function(input_signature=[number])
    def labels(x: Any) -> dict[str, Any]:
        scores = tf.cumsum(x @ module.weights, -1)
        best = tf.argmax(scores, -1, output_type=tf.int32)
        return {"label": module.table.lookup(best), "best": best, "scores": scores}

    @tf.function(input_signature=[number])
    def passes_on(x: Any) -> dict[str, Any]:
        return {"same": x, "again": x, "constant": tf.constant([1.0, 2.0])}

    @tf.function(input_signature=[])
    def nothing() -> dict[str, Any]:
        return {"y": module.weights * 2.0}

    module.functions = [labels, passes_on, nothing]
    signatures = {"labels": labels, "passes on!": passes_on, "_nothing": nothing}
    path = tmp_path / "net"
    tf.saved_model.save(module, str(path), signatures=signatures)
    done = tfnative.optimize(path, tmp_path / "small")
    assert [step.reason for step in done.steps if not step.applied] == []
    assert set(done.inputs) == set(signatures)
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    for name in signatures:
        inputs = {} if name == "_nothing" else {"x": x}
        was = run_with_tensorflow(path, name, inputs)
        now = run_with_tensorflow(done.output, name, inputs)
        assert now.keys() == was.keys()
        for output, array in was.items():
            np.testing.assert_array_equal(now[output], array)
            assert now[output].dtype == array.dtype
