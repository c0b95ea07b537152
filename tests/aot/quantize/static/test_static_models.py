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
from tfnative.errors import InvalidArgumentError

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
        cpus=["native"],
    )


def test_all_levels_give_the_same_bits_as_the_reference(artifact: Path):
    with tfnative.load(artifact) as model:
        fidelity = model.manifest.signatures["serving_default"].fidelity
    compared = [each for each in fidelity if each.output == "scores"]
    assert {each.batch_size for each in compared} == {1, 3}
    assert {each.max_abs_error for each in compared} == {0.0}


def test_numbers_of_rows_and_threads_do_not_matter(artifact: Path):
    x = images(7)
    with tfnative.load(artifact) as model:
        together = model.predict({"x": x})["scores"]
        alone = [model.predict({"x": x[n : n + 1]})["scores"][0] for n in range(7)]
    with tfnative.load(artifact, threads=3) as model:
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
    small, large = (
        json.loads((folder / "sizes.json").read_text())["library"]["weights"]
        for folder in (artifact, plain)
    )
    # Of so few weights, biases and what is padded take their share.
    assert small < 0.4 * large


def test_nothing_is_written_where_samples_do_not_fit(saved: Path, tmp_path: Path):
    with pytest.raises(InvalidArgumentError, match="calibration"):
        tfnative.compile(
            saved,
            tmp_path / "net",
            precision="int8",
            calibration={"x": images(4)[:, :3]},
        )
    assert not list(tmp_path.iterdir())
