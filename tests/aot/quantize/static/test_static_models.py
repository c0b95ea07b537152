# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled models in 8 bits, on every CPU level that runs here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import tfnative
from tests.aot.quantize.static.graphs import save_mixture
from tfnative.errors import CompileError, InvalidArgumentError

SHAPE = (12, 10, 6)


def images(count: int) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(3)
    return rng.normal(size=(count, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_mixture(tmp_path_factory.mktemp("models") / "mixture", SHAPE)


@pytest.fixture(scope="module")
def artifact(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tfnative.compile(
        saved,
        tmp_path_factory.mktemp("built") / "net",
        precision="int8",
        calibration={"x": images(40)},
        batch_sizes=[1, 3],
    )


def test_all_levels_give_the_same_bits_as_the_reference(artifact: Path):
    manifest = json.loads((artifact / "manifest.json").read_text())
    (signature,) = manifest["signatures"].values()
    compared = [f for f in signature["fidelity"] if f["output"] == "scores"]
    assert len(compared) >= 2
    assert {f["max_abs_error"] for f in compared} == {0.0}


def test_numbers_of_rows_and_threads_do_not_matter(artifact: Path):
    x = images(7)
    with tfnative.load(artifact) as model:
        together = model.predict({"x": x})["scores"]
        alone = [model.predict({"x": x[n : n + 1]})["scores"][0] for n in range(7)]
    with tfnative.load(artifact, intra_op_threads=3) as model:
        in_parts = model.predict({"x": x})["scores"]
    np.testing.assert_array_equal(together, np.stack(alone))
    np.testing.assert_array_equal(together, in_parts)


def test_every_layer_and_output_is_in_the_record(artifact: Path):
    with tfnative.load(artifact) as model:
        precision = model.manifest.signatures["serving_default"].precision
    assert precision is not None
    assert precision.asked == "int8"
    assert {layer.computed for layer in precision.layers} == {"int8"}
    for layer in precision.layers:
        assert layer.input_range is not None
        assert layer.input_range[0] <= 0 <= layer.input_range[1]
    found = {(each.output, each.samples): each for each in precision.outputs}
    assert {samples for _, samples in found} == {"calibration", "held out"}
    assert found["scores", "held out"].rows == 4
    for each in found.values():
        assert each.signal_to_noise is not None
        assert each.signal_to_noise > 20


def test_golden_vectors_hold(artifact: Path):
    report = tfnative.selftest(artifact)
    assert report.passed
    assert report.checks


def test_weights_take_a_quarter(saved: Path, artifact: Path, tmp_path: Path):
    plain = tfnative.compile(saved, tmp_path / "net", cpus=["native"])
    sizes = [
        json.loads((folder / "sizes.json").read_text())["weights"]
        for folder in (artifact, plain)
    ]
    assert sizes[0] < 0.4 * sizes[1]


def test_nothing_is_written_where_samples_do_not_fit(saved: Path, tmp_path: Path):
    with pytest.raises(InvalidArgumentError, match="calibration"):
        tfnative.compile(
            saved,
            tmp_path / "net",
            precision="int8",
            calibration={"x": images(4)[:, :3]},
        )
    assert not list(tmp_path.iterdir())


def test_a_head_of_tensorflow_is_refused(tmp_path: Path):
    import tensorflow as tf

    module = tf.Module()
    module.w = tf.Variable(np.ones((4, 8), np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="s")])
    def call(s):
        return {"y": tf.strings.to_number(tf.strings.split(s).to_tensor()) @ module.w}

    module.call = call
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=call)
    with pytest.raises(CompileError, match="take int8-dynamic"):
        tfnative.compile(
            tmp_path / "model",
            tmp_path / "net",
            precision="int8",
            calibration={"s": np.array([b"1 2 3 4"] * 3, object)},
        )
