# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A quotient is TensorFlow's to the last bit, so that floor() of it is its number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

import tfnative
from tests.turns import Once

Array = npt.NDArray[Any]

DIVISORS = np.array([7, 3, 10, 49, 0.1, 255, 41, 1e38, 0, -7], np.float32)
SIZE = len(DIVISORS)
STEPS = 3


def rows() -> Array:
    """Whole and other numbers, multiples of the divisors, odd ones: [n, SIZE]."""
    random = np.random.default_rng(0)
    whole = np.repeat(np.arange(-200, 200), SIZE).reshape(-1, SIZE)
    factors = np.linspace(-3, 3, 121).astype(np.float32)
    multiples = factors[:, None] * DIVISORS
    others = random.normal(size=(100, SIZE)) * 10.0 ** random.integers(-9, 36, SIZE)
    odd = np.array([[np.nan], [np.inf], [-np.inf], [0.0], [-0.0]]) * np.ones(SIZE)
    return np.concatenate([whole, multiples, others, odd]).astype(np.float32)


class Divisions(tf.Module):
    """Divides by a constant of the graph, by a variable, and by an input."""

    def __init__(self) -> None:
        self.one = tf.Variable(7.0)
        self.many = tf.Variable(DIVISORS)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, SIZE], tf.float32, name="x"),
            tf.TensorSpec([], tf.float32, name="fixed"),
        ]
    )
    def serve(self, x: Any, fixed: Any) -> dict[str, Any]:
        outputs = {}
        divisors = {
            "constant": tf.constant(DIVISORS),
            "scalar": tf.constant(7.0),
            "variable": self.many,
            "scalar_variable": self.one,
            "computed": tf.sqrt(self.one + 42.0),
            "fixed": fixed,
        }
        for name, y in divisors.items():
            for op, function in OPS.items():
                outputs[f"{op}_{name}"] = function(x, y)
            outputs[f"loop_{name}"] = _repeated(x, y)
        outputs["branch"] = tf.cond(
            fixed > 0, lambda: tf.floor(x / self.one), lambda: x // self.one
        )
        return outputs


OPS: dict[str, Callable[[Any, Any], Any]] = {
    "quotient": lambda x, y: x / y,
    "floor": lambda x, y: tf.floor(x / y),
    "floor_div": lambda x, y: x // y,
    "remainder": lambda x, y: x % y,
    "cast": lambda x, y: tf.cast(tf.clip_by_value(x / y, -1e6, 1e6), tf.int32),
    "equal": lambda x, y: tf.equal(x / y, 3.0),
    "or_zero": tf.math.divide_no_nan,
    "xdivy": tf.math.xdivy,
}


def _repeated(x: Any, y: Any) -> Any:
    def step(count: Any, value: Any) -> Any:
        return count + 1, tf.floor(value / y) * y + (value // y)

    return tf.while_loop(lambda count, _: count < STEPS, step, (0, x))[1]


@pytest.fixture(scope="module")
def divided(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    source = tmp_path_factory.mktemp("divisions") / "model"
    module = Divisions()
    tf.saved_model.save(module, str(source), signatures=module.serve)

    def make(folder: Path) -> Path:
        return tfnative.compile(
            source, folder / "divisions", constants={"fixed": 7.0}, cpus=["native"]
        )

    x = rows()
    serve = tf.saved_model.load(str(source)).signatures["serving_default"]
    expected = serve(x=tf.constant(x), fixed=tf.constant(7.0))
    with tfnative.load(once("fidelity/divisions", make)) as model:
        yield model.predict({"x": x}), {name: y.numpy() for name, y in expected.items()}


@pytest.mark.slow
def test_quotients_are_those_of_tensorflow_with_its_optimizers(divided: Any) -> None:
    answers, expected = divided
    wrong = {
        name: np.flatnonzero((answers[name] != y) & ~(_nan(answers[name]) & _nan(y)))
        for name, y in expected.items()
    }
    assert not {name: places[:3] for name, places in wrong.items() if places.size}


def _nan(array: Array) -> Array:
    return array != array


COUNTS = (1, 2, 3, 7, 25, 41, 49, 55, 61, 82, 83)


def test_the_mean_of_equal_whole_numbers_is_that_number(
    once: Once, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def means(x: Any) -> dict[str, Any]:
        repeated = [tf.repeat(x, count, axis=1) for count in COUNTS]
        found = tf.stack([tf.reduce_mean(each, axis=1) for each in repeated], axis=1)
        return {"means": found, "deviation": tf.math.reduce_std(repeated[5], axis=-1)}

    source = tmp_path_factory.mktemp("means") / "model"
    module = tf.Module()
    spec = tf.TensorSpec([None, 1], tf.float32, name="x")
    module.f = tf.function(means, input_signature=[spec], autograph=False)
    tf.saved_model.save(module, str(source), signatures=module.f)

    def make(folder: Path) -> Path:
        return tfnative.compile(source, folder / "means", cpus=["native"])

    x = np.array([[1], [-3], [0], [12345], [np.inf], [np.nan]], np.float32)
    with tfnative.load(once("fidelity/means", make)) as model:
        answers = model.predict({"x": x})
    np.testing.assert_array_equal(answers["means"], np.repeat(x, len(COUNTS), axis=1))
    np.testing.assert_array_equal(answers["deviation"], [0, 0, 0, 0, np.nan, np.nan])


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_average_pooling_divides(
    once: Once, tmp_path_factory: pytest.TempPathFactory, padding: str
) -> None:
    def pool(x: Any) -> dict[str, Any]:
        cube = tf.repeat(x[..., None, :], 9, axis=3)
        return {
            "image": tf.nn.avg_pool2d(x, [7, 5], [2, 3], padding),
            "volume": tf.nn.avg_pool3d(cube, [7, 5, 3], [3, 2, 2], padding),
            "line": tf.nn.avg_pool1d(x[:, :, 0], 49, 1, padding),
        }

    source = tmp_path_factory.mktemp("pools") / "model"
    module = tf.Module()
    spec = tf.TensorSpec([None, 50, 13, 2], tf.float32, name="x")
    module.f = tf.function(pool, input_signature=[spec], autograph=False)
    tf.saved_model.save(module, str(source), signatures=module.f)

    def make(folder: Path) -> Path:
        return tfnative.compile(source, folder / "pools", cpus=["native"])

    whole = np.random.default_rng(0).integers(-9, 9, (5, 50, 13, 2)).astype(np.float32)
    whole[1:3] = [[[[1]]], [[[-3]]]]
    whole[3, 4, 5, 1], whole[4, 2, 3, 0] = np.nan, np.inf
    expected = module.f(tf.constant(whole))
    with tfnative.load(once(f"fidelity/pools_{padding}", make)) as model:
        answers = model.predict({"x": whole})
    for name, y in expected.items():
        np.testing.assert_array_equal(answers[name], y.numpy(), err_msg=name)
