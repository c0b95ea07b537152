# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Several signatures in one run, and the assets that name their classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tfnative

tf = pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier and a regressor over one input, which count their runs."""
    v1 = tf.compat.v1
    folder = tmp_path_factory.mktemp("heads") / "model"
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        count = v1.get_variable("count", initializer=np.int64(0), use_resource=True)
        with tf.control_dependencies([v1.assign_add(count, 1)]):
            shared = tf.identity(x)
        session.run(v1.global_variables_initializer())
        tensors = {
            "cls": {"scores": tf.nn.softmax(shared)},
            "reg": {"outputs": tf.reduce_sum(shared, 1)},
        }
        info = v1.saved_model.build_tensor_info
        build = v1.saved_model.signature_def_utils.build_signature_def
        signatures = {
            name: build(
                {"x": info(x)}, {key: info(value) for key, value in outputs.items()}
            )
            for name, outputs in tensors.items()
        }
        signatures["count"] = build({}, {"count": info(count.read_value())})
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(
            session, ["serve"], signature_def_map=signatures
        )
        builder.save()
    (folder / "assets" / "words").mkdir(parents=True)
    (folder / "assets" / "labels.txt").write_text("cat\ndog\n")
    (folder / "assets" / "words" / "few.txt").write_text("one\n")
    return folder


@pytest.fixture
def model(saved: Path):
    with tfnative.load(saved, backend="tensorflow") as model:
        yield model


def runs(model: tfnative.Model) -> int:
    return int(model.predict({}, signature="count")["count"])


def test_multi_inference_is_one_run_with_the_results_of_two(model):
    x = np.array([[1, 2], [3, 3]], np.float32)
    tasks = {"reg": "regress", "cls": "classify"}
    results = model.multi_inference({"x": x}, tasks)
    assert runs(model) == 1
    np.testing.assert_array_equal(results["reg"], [3, 6])
    one = model.classify({"x": x}, signature="cls")
    np.testing.assert_array_equal(results["cls"].scores, one.scores)
    assert runs(model) == 2


def test_labels_come_from_the_assets(model, saved):
    assert model.assets == {
        "labels.txt": saved / "assets" / "labels.txt",
        "words/few.txt": saved / "assets" / "words" / "few.txt",
    }
    found = model.classify({"x": np.array([[0, 9]], np.float32)}, signature="cls")
    assert list(found.labels) == ["cat", "dog"]


def test_signatures_run_together_only_if_they_take_the_same(model):
    x = np.zeros((1, 2), np.float32)
    with pytest.raises(tfnative.InvalidArgumentError, match="inputs of other names"):
        model._predict_signatures(["cls", "count"], {"x": x})
    with pytest.raises(tfnative.InvalidArgumentError, match="no signature 'other'"):
        model._predict_signatures(["cls", "other"], {"x": x})
    assert model._predict_signatures([], {"x": x}) == []
    assert runs(model) == 0
