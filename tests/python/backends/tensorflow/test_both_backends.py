# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""One model, compiled and in TensorFlow: the same numbers, the same errors."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import tfnative

pytest.importorskip("tensorflow")

X = np.arange(6, dtype=np.float32).reshape(2, 3)
Y = X @ np.array([[1, 2], [3, 4], [5, 6]], np.float32) + 1


@pytest.fixture(scope="module")
def paths(
    saved: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    source = saved("affine")
    output = tmp_path_factory.mktemp("compiled") / "affine"
    tfnative.compile(source, output, batch_sizes=(1, 4), cpus=["native"])
    return {"native": output, "tensorflow": source}


@pytest.fixture(params=["native", "tensorflow"])
def model(request, paths) -> Iterator[tfnative.Model]:
    backend = request.param
    with tfnative.load(paths[backend], backend=backend) as model:
        assert model.backend == backend
        yield model


def test_it_is_a_model_with_the_same_signatures(model):
    assert isinstance(model, tfnative.Model)
    assert model.name == "affine"
    assert set(model.signatures) == {"affine", "two", "fixed"}
    affine = model.signature("affine")
    assert affine.inputs["x"] == tfnative.TensorSpec("x", np.dtype("f4"), (-1, 3))
    assert affine.outputs["y"] == tfnative.TensorSpec("y", np.dtype("f4"), (-1, 2))
    assert model.signature("fixed").inputs["x"].shape == (2, 2)
    assert model.backend_reason == ""
    assert "affine" in repr(model)


def test_an_array_gives_an_array_and_a_dict_a_dict(model):
    np.testing.assert_allclose(model.predict(X, signature="affine"), Y, rtol=1e-6)
    found = model.predict({"x": X}, signature="affine")
    assert list(found) == ["y"]
    np.testing.assert_allclose(found["y"], Y, rtol=1e-6)


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 9])
def test_any_number_of_rows(model, rows):
    x = np.ones((rows, 3), np.float32)
    found = model.predict(x, signature="affine")
    assert found.shape == (rows, 2)
    np.testing.assert_array_equal(found, np.full((rows, 2), [10, 13]))


@pytest.mark.parametrize(
    "x",
    [
        X.tolist(),
        np.asfortranarray(X),
        np.repeat(X, 2, 1)[:, ::2],
    ],
)
def test_what_can_be_converted_is(model, x):
    np.testing.assert_allclose(model.predict(x, signature="affine"), Y, rtol=1e-6)


def test_several_tensors(model):
    inputs = {"a": X, "b": np.array([10, 20], np.int32)}
    found = model.predict(inputs, signature="two")
    assert found["sum"].tolist() == [13, 32]
    assert found["b"].tolist() == [20, 40]
    assert found["b"].dtype == np.int32


def test_a_signature_without_a_batch(model):
    x = np.array([[1, 2], [3, 4]], np.float32)
    np.testing.assert_array_equal(model.predict(x, signature="fixed"), x.T)


def test_results_go_to_arrays_of_the_caller(model):
    out = np.empty((2, 2), np.float32)
    found = model.predict(X, signature="affine", out=out)
    assert found is out
    np.testing.assert_allclose(out, Y, rtol=1e-6)
    out[:] = 0
    found = model.predict({"x": X}, signature="affine", out={"y": out})
    assert found["y"] is out
    np.testing.assert_allclose(out, Y, rtol=1e-6)


@pytest.mark.parametrize(
    "out",
    [
        np.empty((3, 2), np.float32),
        np.empty((2, 2), np.float64),
        {"z": np.empty((2, 2), np.float32)},
        np.empty((2, 4), np.float32)[:, ::2],
    ],
)
def test_arrays_that_results_do_not_fit_are_refused(model, out):
    inputs = {"x": X} if isinstance(out, dict) else X
    with pytest.raises(tfnative.InvalidArgumentError):
        model.predict(inputs, signature="affine", out=out)


@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        (X[:, :2], r"'x': expected float32 \(rows, 3\).*, got float32 \(2, 2\)"),
        (X[0], "'x': expected float32"),
        (X.astype(np.complex64), "'x': expected float32"),
        (np.array([["a", "b", "c"]]), "'x'"),
        ({}, "'x' is missing"),
        ({"x": X, "z": X}, "'z'"),
        ({"z": X}, "'[xz]'"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(model, inputs, match):
    with pytest.raises(tfnative.InvalidArgumentError, match=match) as error:
        model.predict(inputs, signature="affine")
    assert "model 'affine', signature 'affine'" in str(error.value)


def test_a_signature_that_is_not_there_is_refused(model):
    with pytest.raises(tfnative.InvalidArgumentError, match=r"'none'; .*affine"):
        model.predict(X, signature="none")
    with pytest.raises(tfnative.InvalidArgumentError, match="affine"):
        model.predict(X)  # There is no default.


def test_the_callers_arrays_stay_as_they_are(model):
    x = X.copy()
    found = model.predict(x, signature="affine")
    found[:] = 0
    np.testing.assert_array_equal(x, X)
    np.testing.assert_allclose(model.predict(x, signature="affine"), Y, rtol=1e-6)


def test_results_outlive_the_model(model):
    found = model.predict(X, signature="affine")
    model.close()
    np.testing.assert_allclose(found, Y, rtol=1e-6)


def test_a_closed_model_says_so(model):
    model.close()
    model.close()
    assert model.closed
    with pytest.raises(tfnative.FailedPreconditionError, match="closed"):
        model.predict(X, signature="affine")
    assert "closed" in repr(model)


@pytest.mark.parametrize("way", [pickle.loads, copy.copy, copy.deepcopy])
def test_it_can_be_pickled_and_copied(model, way):
    other = way(pickle.dumps(model)) if way is pickle.loads else way(model)
    assert other.backend == model.backend
    np.testing.assert_allclose(other.predict(X, signature="affine"), Y, rtol=1e-6)


def test_many_threads_get_what_one_gets(model):
    def ask(number: int) -> bool:
        x = np.full((1 + number % 3, 3), number, np.float32)
        found = model.predict(x, signature="affine")
        return bool((found == [[9 * number + 1, 12 * number + 1]]).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))


def test_a_batcher_takes_it(model):
    with (
        tfnative.Batcher(
            model, signature="affine", max_batch_size=8, batch_timeout_micros=2000
        ) as batcher,
        ThreadPoolExecutor(8) as pool,
    ):
        rows = [np.full((1, 3), n, np.float32) for n in range(64)]
        for n, found in enumerate(pool.map(batcher.predict, rows)):
            np.testing.assert_array_equal(found, [[9 * n + 1, 12 * n + 1]])
        assert batcher.metrics().wrapped_run_count < 64, "some were batched"


def test_classes_come_from_numbers(model):
    found = model.classify({"x": X}, signature="affine")
    np.testing.assert_allclose(found.scores, Y, rtol=1e-6)
