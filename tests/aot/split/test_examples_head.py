# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models that take tf.Example messages are compiled, and need no TensorFlow."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.models import heads
from tests.turns import Once
from tfnative import cli
from tfnative.errors import InvalidArgumentError, LoadError
from tfnative.manifest import ExamplesHead


@pytest.fixture(scope="module")
def source(once: Once) -> Path:
    return once(
        "passengers/model", lambda folder: heads.passengers(folder / "passengers")
    )


@pytest.fixture(scope="module")
def artifact(once: Once, source: Path) -> Path:
    def make(folder: Path) -> Path:
        return tfnative.compile(
            *(source, folder / "passengers"),
            signatures=["serving_default", "biased"],
            batch_sizes=(1, 8),
            cpus=["native"],
        )

    return once("passengers/artifact", make)


@pytest.fixture(scope="module")
def reference(source: Path):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(source))

    def run(signature="serving_default", **inputs):
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        found = loaded.signatures[signature](**tensors)
        return {name: tensor.numpy() for name, tensor in found.items()}

    return run


def assert_close(got, expected) -> None:
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_allclose(got[name], array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [0, 1, 5, 8, 21])
def test_messages_give_what_tensorflow_gives(artifact, reference, rows):
    messages = heads.random_messages(rows, np.random.default_rng(rows))
    with tfnative.load(artifact) as model:
        expected = reference(examples=np.array(messages, object))
        assert_close(model.predict(messages), expected)
        assert_close(model.predict({"examples": tuple(messages)}), expected)


def test_other_inputs_are_passed_beside_the_messages(artifact, reference):
    rng = np.random.default_rng(2)
    messages = np.array(heads.random_messages(6, rng), object)
    inputs = {"examples": messages, "bias": rng.random((6, 3)).astype(np.float32)}
    with tfnative.load(artifact) as model:
        assert_close(
            model.predict(inputs, signature="biased"), reference("biased", **inputs)
        )
        with pytest.raises(InvalidArgumentError, match="'bias' is missing"):
            model.predict({"examples": messages}, signature="biased")
        inputs["bias"] = inputs["bias"][:5]
        with pytest.raises(InvalidArgumentError, match="rows"):
            model.predict(inputs, signature="biased")


def test_the_signature_shows_the_messages(artifact):
    with tfnative.load(artifact) as model:
        assert model.backend == "native"
        assert list(model.signature("biased").inputs) == ["examples", "bias"]
        (spec,) = model.signature().inputs.values()
        assert spec == ("examples", np.dtype(object), (-1,))
        head = model.manifest.signatures["serving_default"].head
    assert isinstance(head, ExamplesHead)
    assert {f.name: f.feeds for f in head.features} == {
        "age": "age",
        "fare": "fare",
        "remark": None,
        "weight": "weight",
    }
    assert np.isnan(head.features[3].default[0])


def test_an_example_that_does_not_fit_is_named(artifact):
    (fine,) = heads.random_messages(1, np.random.default_rng(0))
    without = heads.message(fare=np.ones(4, np.float32))
    where = "model 'passengers', signature 'serving_default', input 'examples'"
    with tfnative.load(artifact) as model:
        with pytest.raises(
            InvalidArgumentError, match=f"{where}: example 1: feature 'remark' is miss"
        ):
            model.predict([fine, without])
        with pytest.raises(InvalidArgumentError, match=f"{where}: expected a sequence"):
            model.predict(fine)
        with pytest.raises(InvalidArgumentError, match="dtype=object"):
            model.predict(np.array([fine]))


def test_batchers_profiles_and_copies_take_messages(artifact, reference):
    messages = heads.random_messages(7, np.random.default_rng(1))
    expected = reference(examples=np.array(messages, object))
    with tfnative.load(artifact) as model:
        with tfnative.Batcher(model, max_batch_size=8) as batcher:
            assert_close(batcher.predict(messages), expected)
            parts = [batcher.submit(messages[:3]), batcher.submit(messages[3:])]
            both = [part.result() for part in parts]
            batcher.swap(model)
        joined = {k: np.concatenate([part[k] for part in both]) for k in expected}
        assert_close(joined, expected)
        assert model.profile(messages[:1], runs=1).steps
        assert_close(pickle.loads(pickle.dumps(model)).predict(messages), expected)


def test_the_golden_vectors_hold_the_messages(artifact):
    report = tfnative.selftest(artifact)
    assert report.passed
    assert {check.signature for check in report.checks} == {"serving_default", "biased"}


def test_the_commands_know_them(artifact, capsys):
    assert cli.main(["inspect", str(artifact)]) == 0
    shown = capsys.readouterr().out
    assert "examples, parsed into age, fare, weight" in shown
    for command in ("bench", "selftest"):
        extra = ["--seconds", "0.01"] if command == "bench" else []
        assert cli.main([command, str(artifact), *extra]) == 0


def test_tensorflow_is_not_needed(artifact):
    messages = heads.random_messages(2, np.random.default_rng(0))
    program = (
        "import sys, tfnative\n"
        "model = tfnative.load(sys.argv[1])\n"
        f"print(model.predict({messages!r})['scores'].shape)\n"
        "assert not {'tensorflow', 'google.protobuf'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, artifact],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "(2, 3)\n", done.stderr


def test_c_programs_pass_the_features(artifact):
    header = (artifact / "include" / "passengers.h").read_text()
    assert "const int64_t* age, const float* fare, const float* weight" in header


def test_models_of_tensorflow_1_are_cut_too(tmp_path):
    import tensorflow as tf

    source = heads.tf1(tmp_path / "model")
    artifact = tfnative.compile(
        source, tmp_path / "old", batch_sizes=(1, 4), cpus=["native"]
    )
    x = np.random.default_rng(0).random((5, 4)).astype(np.float32)
    messages = [heads.message(x=row) for row in x[:3]]
    messages += [heads.message(x=row, age=np.float32([2])) for row in x[3:]]
    with tfnative.load(artifact) as model:
        assert list(model.signature().inputs) == ["inputs"]
        got = model.predict(messages)
    run = tf.saved_model.load(str(source)).signatures["serving_default"]
    expected = run(inputs=tf.constant(messages))["scores"].numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        lambda head: head["features"][0].update(feeds="nothing"),
        lambda head: head["features"][0].update(feeds="fare"),
        lambda head: head["features"][0].update(dtype="float32"),
        lambda head: head["features"][0].update(dtype="float64"),
        lambda head: head["features"][0].update(default=[2**70]),
        lambda head: head["features"][0].update(default=[1, 2]),
        lambda head: head["features"][1].update(shape=[5]),
        lambda head: head["features"][1].update(name="age"),
        lambda head: head["features"][2].update(default=["no base64!"]),
        lambda head: head.update(kind="other"),
        lambda head: head.update(features=[]),
    ],
)
def test_a_head_that_does_not_fit_is_refused(artifact, change):
    from tfnative._backends.native.examples_head import put_examples
    from tfnative.manifest import Manifest

    with tfnative.load(artifact) as model:
        content = json.loads(model.manifest.to_json())
        signature = model.signature()
        change(content["signatures"]["serving_default"]["head"])
        core = signature._replace(
            inputs={s.name: s for s in core_inputs(model, signature.name)}
        )

        def put() -> None:
            manifest = Manifest.from_json(json.dumps(content))
            put_examples(model, core, manifest.signatures[core.name].head)

        with pytest.raises(LoadError):
            put()


def core_inputs(model, name):
    listed = {each[0]: each for each in model._signature_list()}
    return [tfnative.TensorSpec(*spec) for spec in listed[name][1]]
