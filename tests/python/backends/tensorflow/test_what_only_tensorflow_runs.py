# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Strings, tables, state, tf.Example messages, old control flow: as TensorFlow does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tfnative import TensorSpec

tf = pytest.importorskip("tensorflow")

from tests.python.backends.tensorflow.saved_models import DTYPES, WORDS  # noqa: E402

Saved = Callable[[str], Path]


@contextmanager
def loaded(path: Path, **options: Any) -> Iterator[Any]:
    with tfnative.load(path, backend="tensorflow", **options) as model:
        yield model


def test_strings_and_a_vocabulary(saved: Saved):
    with loaded(saved("words")) as model:
        for words in (
            np.array([b"two", b"zero", b"ten"], object),
            np.array(["two", "zero", "ten"]),
            np.array([b"two", b"zero", b"ten"]),
            ["two", b"zero", "ten"],
        ):
            found = model.predict({"words": words})
            assert found["ids"].tolist() == [2, 0, len(WORDS)]
            assert found["upper"].tolist() == [b"TWO", b"ZERO", b"TEN"]
            assert found["upper"].dtype == object
            assert found["joined"][()] == b"two zero ten"


@pytest.mark.parametrize(
    "text", [b"", b"\0", b"a\0b", "Grüße".encode(), b"x" * 100_000, b"\xff\xfe"]
)
def test_strings_are_bytes_of_any_kind_and_length(saved: Saved, text: bytes):
    with loaded(saved("every_dtype")) as model:
        words = np.array([[text, b"y"], [b"", text]], object)
        found = model.predict({"x": words}, signature="string")["y"]
        assert found.tolist() == words.tolist()


def test_vocabularies_come_along_with_the_folder(saved: Saved, tmp_path: Path):
    path = saved("words")
    path.with_name("vocabulary.txt").unlink(missing_ok=True)
    moved = tmp_path / "moved"
    moved.symlink_to(path)
    with loaded(moved) as model:
        assert model.predict({"words": ["one"]})["ids"].tolist() == [1]
        assert list(model.assets) == ["vocabulary.txt"]


def test_what_is_no_string_is_refused(saved: Saved):
    with loaded(saved("words")) as model:
        for value in ([1, 2], np.array([1.5]), np.array([b"a", 3], object)):
            with pytest.raises(tfnative.InvalidArgumentError, match="words"):
                model.predict({"words": value})


def test_a_model_with_state_keeps_it_to_itself(saved: Saved):
    with loaded(saved("counter")) as one, loaded(saved("counter")) as other:
        assert [int(one.predict(2)) for _ in range(3)] == [2, 4, 6]
        assert int(other.predict(1)) == 1, "each model has a state of its own"


def test_examples_are_classified_and_regressed(saved: Saved):
    rows = [{"age": 3.0, "name": "Ann"}, {"age": 50.0}]
    with loaded(saved("examples")) as model:
        found = model.classify(rows)
        assert [label for label, _ in found.top(2)[0]] == ["young", "old"]
        np.testing.assert_allclose(found.scores, [[0.97, 0.03], [0.5, 0.5]], rtol=1e-5)
        assert model.regress(rows).tolist() == [6, 100]
        both = model.multi_inference(
            rows, {"classify": "classify", "regress": "regress"}
        )
        assert both["regress"].tolist() == [6, 100]
        np.testing.assert_array_equal(both["classify"].scores, found.scores)
        serialised = [tfnative.encode_example(row) for row in rows]
        assert model.regress(serialised).tolist() == [6, 100]
        features = model.predict(np.array(serialised, object), signature="predict")
        assert features["name"].tolist() == [b"Ann", b"nobody"]
        with pytest.raises(tfnative.InvalidArgumentError, match="age"):
            model.regress([{"name": "Ann"}])


@pytest.mark.parametrize("times", [0, 1, 2, 3, 10])
def test_control_flow_of_tensorflow_1(saved: Saved, times: int):
    with loaded(saved("tf1_control_flow")) as model:
        x = np.array([1.5, -2], np.float32)
        found = model.predict({"x": x, "times": times})
        np.testing.assert_array_equal(found["y"], x * 2**times)
        np.testing.assert_array_equal(found["z"], found["y"] * (1 if times > 2 else -1))


def test_ref_variables_and_tensors_with_two_names(saved: Saved):
    with loaded(saved("tf1_ref_variables")) as model:
        x = np.array([[1, 1], [2, 0]], np.float32)
        found = model.predict({"x": x, "same": x.copy()})
        np.testing.assert_array_equal(found["y"], [[4, 6], [2, 4]])
        np.testing.assert_array_equal(found["again"], found["y"])
        np.testing.assert_array_equal(found["x"], x)
        found["kernel"][:] = 0
        found["again"][:] = 0
        again = model.predict({"x": x, "same": x})
        np.testing.assert_array_equal(again["y"], [[4, 6], [2, 4]])
        np.testing.assert_array_equal(again["kernel"], [[1, 2], [3, 4]])
        with pytest.raises(tfnative.InvalidArgumentError, match="'same' and 'x'"):
            model.predict({"x": x, "same": x + 1})


@pytest.mark.parametrize("name", DTYPES)
def test_every_type_goes_in_and_out(saved: Saved, name: str):
    if name == "bfloat16":
        ml_dtypes = pytest.importorskip("ml_dtypes")
        dtype = np.dtype(ml_dtypes.bfloat16)
    else:
        dtype = np.dtype(object if name == "string" else name)
    values: Any = [[b"a", b"bc"], [b"", b"d"]] if name == "string" else [[0, 1], [1, 1]]
    x = np.array(values).astype(dtype)
    with loaded(saved("every_dtype")) as model:
        assert model.signatures[name].inputs["x"] == TensorSpec("x", dtype, None)
        for each in (x, x[:, ::-1], x[:0], x[0, 0], np.asfortranarray(x)):
            found = model.predict({"x": each}, signature=name)["y"]
            assert found.dtype == dtype
            assert found.shape == np.shape(each)
            np.testing.assert_array_equal(found, np.asarray(each, dtype))


def test_sizes_that_are_not_known(saved: Saved):
    with loaded(saved("unknown_sizes")) as model:
        for shape in ((), (3,), (2, 0), (1, 2, 3, 4)):
            x = np.ones(shape, np.float32)
            found = model.predict({"x": x}, signature="any_rank")
            assert found["size"] == x.size
            assert found["flat"].shape == (x.size,)
        assert model.signatures["matrix"].inputs["x"].shape == (-1, -1)
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        np.testing.assert_array_equal(model.predict(x, signature="matrix"), x.T)
        with pytest.raises(tfnative.InvalidArgumentError, match="'x'"):
            model.predict(x[0], signature="matrix")
        x = np.array([1, -1, 2], np.float32)
        assert model.predict(x, signature="positive").tolist() == [1, 2]


@pytest.mark.parametrize("kind", ["sparse", "ragged"])
def test_what_is_in_several_tensors_is_refused_and_the_rest_runs(
    saved: Saved, kind: str
):
    with loaded(saved("ragged_and_sparse")) as model:
        x = np.zeros(2, np.float32)
        assert model.predict(x, signature="dense").tolist() == [1, 1]
        assert list(model.signatures) == ["dense"]
        with pytest.raises(tfnative.UnimplementedError, match=f"'{kind}'.*'x' is a"):
            model.predict(x, signature=kind)


def test_parts_of_a_sparse_tensor_can_be_given_one_by_one(saved: Saved):
    sparse = tf.sparse.from_dense([[0.0, 2, 0, 3], [0, 0, 0, 0], [1, 0, 0, 0]])
    parts = (sparse.indices, sparse.values, sparse.dense_shape)
    with loaded(saved("parts")) as model:
        inputs = model.signature().inputs
        by_rank = {2: parts[0], 1: parts[1]}
        given = {}
        for name, each in inputs.items():
            is_shape = each.dtype == np.int64 and len(each.shape or ()) == 1
            given[name] = (parts[2] if is_shape else by_rank[len(each.shape)]).numpy()
        found = model.predict(given)
        assert next(iter(found.values())).tolist() == [5, 0, 1]
