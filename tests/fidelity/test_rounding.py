# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rounding: what an element does not see does not show in it, and who judges that."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

import tfnative
from tests.turns import Once
from tfnative_aot.program.passes.winograd import pack_winograd
from tfnative_aot.verify.execute import InProcess

Array = npt.NDArray[Any]
SIZE, CHANNELS = 24, 16
KERNEL = np.random.default_rng(1).normal(0, 0.2, (3, 3, CHANNELS, 32)).astype("f4")
MASKED = KERNEL * (np.arange(9).reshape(3, 3, 1, 1) < 4)
QUERIES = np.random.default_rng(2).normal(0, 1, (CHANNELS, 8)).astype("f4")


def save(folder: Path, shape: list[int | None], function: Callable[[Any], Any]) -> Path:
    module = tf.Module()
    spec = tf.TensorSpec(shape, tf.float32, name="x")
    module.f = tf.function(function, input_signature=[spec])
    tf.saved_model.save(module, str(folder), signatures=module.f)
    return folder


def layers(x: Any) -> dict[str, Any]:
    queries = x[:, 0] @ QUERIES
    weights = tf.nn.softmax(tf.matmul(queries, queries, transpose_b=True) * 0.35)
    return {
        "same": tf.nn.conv2d(x, KERNEL, 1, "SAME"),
        "valid": tf.nn.relu(tf.nn.conv2d(x, KERNEL, 1, "VALID") + 0.5),
        "masked": tf.nn.conv2d(x, MASKED, 1, "SAME"),
        "attention": tf.matmul(weights, queries),
    }


@pytest.fixture(scope="module")
def model(once: Once) -> Iterator[tfnative.Model]:
    def make(folder: Path) -> Path:
        source = save(folder / "model", [None, SIZE, SIZE, CHANNELS], layers)
        return tfnative.compile(source, folder / "layers", cpus=["native"])

    with tfnative.load(once("fidelity/rounding", make)) as loaded:
        yield loaded


def line(image: Array, factor: float) -> None:
    image[:, 12] *= factor


def column(image: Array, factor: float) -> None:
    image[:, :, 7] *= factor


def channel(image: Array, factor: float) -> None:
    image[..., 3] *= factor


def pixel(image: Array, factor: float) -> None:
    image[:, 9, 10] *= factor


def half(image: Array, factor: float) -> None:
    image[:, 11:] *= factor


def whole(image: Array, factor: float) -> None:
    image *= factor


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 30, 1e3, 1e4, 1e6])
@pytest.mark.parametrize("change", [line, column, channel, pixel, half, whole])
def test_elements_are_off_by_what_they_see(
    model: tfnative.Model, change: Callable[[Array, float], None], factor: float
) -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((1, SIZE, SIZE, CHANNELS)).astype(np.float32)
    change(x, factor)
    found = model.predict(x)
    wide, sizes = x.astype(np.float64), np.abs(x).astype(np.float64)
    for name, kernel in (("same", KERNEL), ("masked", MASKED)):
        exact = tf.nn.conv2d(wide, kernel.astype(np.float64), 1, "SAME")
        seen = tf.nn.conv2d(sizes, np.abs(kernel).astype(np.float64), 1, "SAME")
        # The largest of what the channels of one pixel see: they see the same pixels.
        scale = np.max(seen, axis=-1, keepdims=True)
        assert np.all(np.abs(found[name] - exact) <= 2e-5 * scale), name
    expected = layers(tf.constant(x))["attention"].numpy()
    np.testing.assert_allclose(
        found["attention"], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max()
    )


def test_the_manifest_has_both_distances(model: tfnative.Model) -> None:
    (signature,) = model.manifest.signatures.values()
    assert signature.no_winograd == ""
    for fidelity in signature.fidelity:
        assert fidelity.reason == ""
        assert fidelity.distance is not None
        assert fidelity.tensorflow_distance is not None
        assert (
            0
            < fidelity.distance
            <= max(2 * fidelity.tensorflow_distance, 32 * 2.0**-23)
        )
        assert fidelity.max_rel_error <= fidelity.tolerance


def variance(x: Any) -> dict[str, Any]:
    """The difference of two large numbers, which nobody computes well."""
    mean = tf.reduce_mean(x + 30, 1)
    return {"y": tf.reduce_mean(tf.square(x + 30), 1) - tf.square(mean)}


def test_a_model_that_rounds_in_tensorflow_as_much_is_compiled(tmp_path: Path) -> None:
    source = save(tmp_path / "model", [None, 50, 64], variance)
    artifact = tfnative.compile(source, tmp_path / "variance", cpus=["native"])
    with tfnative.load(artifact) as loaded:
        (fidelity,) = loaded.manifest.signatures["serving_default"].fidelity
    assert fidelity.tensorflow_distance is not None
    assert fidelity.tensorflow_distance > 1e-5  # Than which no error may be larger,
    assert fidelity.max_rel_error > 1e-5  # where nothing else is known.
    assert tfnative.selftest(artifact).passed


def convolution(x: Any) -> dict[str, Any]:
    return {"y": tf.nn.conv2d(x, KERNEL, 1, "SAME")}


def test_one_wrong_element_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = InProcess.run

    def wrong(*arguments: Any, **keywords: Any) -> Mapping[str, Array]:
        outputs = {n: a.copy() for n, a in run(*arguments, **keywords).items()}
        outputs["y"][0, 3, 4, 5] += 1e-4 * np.abs(outputs["y"]).max()
        return outputs

    monkeypatch.setattr(InProcess, "run", wrong)
    source = save(tmp_path / "model", [None, SIZE, SIZE, CHANNELS], convolution)
    with pytest.raises(tfnative.CompileError, match="distance from the answer in"):
        tfnative.compile(source, tmp_path / "wrong", cpus=["native"])
    tfnative.compile(source, tmp_path / "wrong", cpus=["native"], rtol=1e-3)


def test_what_fails_with_winograds_algorithm_is_compiled_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["tfnative_aot.program.passes.pack_weights"]
    monkeypatch.setattr(
        module, "pack_winograd", lambda weights: pack_winograd(weights * 1.001)
    )
    source = save(tmp_path / "model", [None, SIZE, SIZE, CHANNELS], convolution)
    artifact = tfnative.compile(source, tmp_path / "slow", cpus=["native"])
    with tfnative.load(artifact) as loaded:
        (signature,) = loaded.manifest.signatures.values()
        x = np.ones((1, SIZE, SIZE, CHANNELS), np.float32)
        expected = convolution(tf.constant(x))["y"]
        np.testing.assert_allclose(loaded.predict(x), expected, atol=1e-5)
    assert "output 'y', batch size 1" in signature.no_winograd
    assert "winograd" not in (artifact / "program.txt").read_text()


def resized(x: Any) -> dict[str, Any]:
    return {"y": tf.image.resize(x, [12, 12])}


def test_where_float64_cannot_be_had_the_manifest_says_why(tmp_path: Path) -> None:
    source = save(tmp_path / "model", [None, SIZE, SIZE, CHANNELS], resized)
    artifact = tfnative.compile(source, tmp_path / "resized", cpus=["native"])
    with tfnative.load(artifact) as loaded:
        (fidelity,) = loaded.manifest.signatures["serving_default"].fidelity
    assert fidelity.reason == "ResizeBilinear has no other type than float32"
    assert fidelity.tolerance == 1e-5
    assert fidelity.distance is None
