# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An exported model serves examples, warms itself up, and is as good compiled."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.training.trained import Trained, run
from training.errors import ExportError
from training.export import check, check_output
from training.export.examples import as_examples

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def held_out(trained: Trained) -> dict[str, np.ndarray]:
    return dict(np.load(trained.saved_model.with_name("digits_heldout.npz")))


def test_classify_takes_examples_and_gives_classes_with_scores(
    trained: Trained, held_out: dict[str, np.ndarray]
):
    import tensorflow as tf

    images = held_out["images"][:3]
    serialized = [tfnative.encode_example({"image": image}) for image in images]
    served = tf.saved_model.load(str(trained.saved_model)).signatures
    found = served["classify"](inputs=tf.constant(serialized))
    plain = served["serving_default"](image=tf.constant(images))["probabilities"]
    np.testing.assert_allclose(found["scores"], plain, rtol=1e-5)
    assert found["classes"].numpy()[0, :2].tolist() == [b"zero", b"one"]
    embedded = served["embedding"](image=tf.constant(images))["embedding"]
    assert embedded.shape == (3, 256)


def test_signatures_have_the_methods_that_tensorflow_serving_asks_for(
    trained: Trained,
):
    from tensorflow.core.protobuf import saved_model_pb2

    content = (trained.saved_model / "saved_model.pb").read_bytes()
    graph = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0]
    methods = {k: v.method_name for k, v in graph.signature_def.items()}
    assert methods["classify"] == "tensorflow/serving/classify"
    assert methods["serving_default"] == "tensorflow/serving/predict"


def test_warm_up_requests_are_answered_by_the_signatures_they_name(trained: Trained):
    import tensorflow as tf

    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    path = trained.saved_model / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    requests = [logs.PredictionLog.FromString(record) for record in records]
    kinds = [request.WhichOneof("log_type") for request in requests]
    assert sorted(set(kinds)) == ["classify_log", "predict_log"]
    assert len(kinds) == 6
    served = tf.saved_model.load(str(trained.saved_model)).signatures
    for request in requests:
        if request.HasField("predict_log"):
            asked = request.predict_log.request
            image = tf.make_ndarray(asked.inputs["image"])
            served[asked.model_spec.signature_name](image=tf.constant(image))
        else:
            examples = request.classify_log.request.input.example_list.examples
            serialized = [example.SerializeToString() for example in examples]
            served["classify"](inputs=tf.constant(serialized))


def test_calibration_and_golden_files_have_rows_by_input(
    trained: Trained, held_out: dict[str, np.ndarray]
):
    beside = trained.saved_model.with_name
    assert np.load(beside("digits_calibration.npz"))["image"].shape == (300, 8, 8, 1)
    golden = np.load(beside("digits_golden.npz"))["image"]
    np.testing.assert_array_equal(golden, held_out["images"][:8])


def test_the_compiled_model_is_as_right_as_tensorflows(
    trained: Trained, held_out: dict[str, np.ndarray], tmp_path: Path
):
    found = check(
        trained.saved_model,
        tmp_path / "digits",
        signatures=["serving_default"],
        batch_sizes=[8],
    )
    assert [each.signature for each in found.signatures] == ["serving_default"]
    assert found.metric == "accuracy"
    assert found.compiled == found.tensorflow > 0.97
    assert found.rows == 360
    assert found.largest_difference < 1e-5
    assert found.bytes > 10_000
    # Without the names of classes in it, all of it is compiled; they are an asset.
    with tfnative.load(tmp_path / "digits") as model:
        assert model.backend == "native"
        images = held_out["images"][:9]
        classified = model.classify(list(as_examples({"image": images})))
        best = model.predict(images).argmax(axis=1)
    names = "zero one two three four five six seven eight nine".split()
    assert [row[0][0] for row in classified.top(1)] == [names[each] for each in best]


def test_batch_normalisation_is_folded_into_convolutions(
    trained: Trained, tmp_path: Path
):
    done = tfnative.optimize(
        trained.saved_model, tmp_path / "small", signatures=["serving_default"]
    )
    (fold,) = (step for step in done.steps if step.transform == "fold_batch_norms")
    (before, after) = (done.steps[0].ops, fold.ops)
    normalised = before["Rsqrt"]
    assert normalised == before["Conv2D"] == after["Conv2D"] > 0
    assert fold.applied
    assert not after.keys() & {"Rsqrt", "Mul", "Sub", "AddV2"}
    assert after["BiasAdd"] == before["BiasAdd"] + normalised
    assert fold.max_error < 1e-5


def test_a_checkpoint_is_exported_without_training(trained: Trained, tmp_path: Path):
    folder = trained.folder / "build/data/digits"
    done = run(
        *(tmp_path, "export", "--checkpoints", trained.checkpoints),
        *("--output", "again/1", "--data-folder", folder),
    )
    assert done.returncode == 0, done.stderr
    line = next(x for x in trained.said.splitlines() if x.startswith("held-out"))
    assert line in done.stdout
    assert (tmp_path / "again/1/saved_model.pb").is_file()


def test_what_is_no_saved_model_is_never_replaced(tmp_path: Path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(ExportError, match="is no SavedModel"):
        check_output(tmp_path, overwrite=True)
    check_output(tmp_path / "new")


def test_held_out_rows_that_are_missing_are_named(trained: Trained, tmp_path: Path):
    shutil.copytree(trained.saved_model, tmp_path / "alone")
    with pytest.raises(ExportError, match=r"alone_heldout\.npz is missing"):
        check(tmp_path / "alone", tmp_path / "out")


def test_figures_are_those_of_the_signature_that_predicts(
    trained: Trained, tmp_path: Path
):
    with pytest.raises(ExportError, match="serving_default: name it, too"):
        check(trained.saved_model, tmp_path / "out", signatures=["classify"])
    assert not (tmp_path / "out").exists()
