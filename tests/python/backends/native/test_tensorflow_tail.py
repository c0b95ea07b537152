# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled models with a tail, which a stand-in for TensorFlow runs.

The real TensorFlow is in tests/aot/split/test_tails.py.
"""

from __future__ import annotations

import asyncio
import gc
import json
import pickle
import shutil
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.python.conftest import build_fake, manifest
from tfnative._backends.native.saved_part import part_digest
from tfnative._backends.tensorflow import model as tensorflow_model
from tfnative.errors import (
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    LoadError,
    NotFoundError,
)
from tfnative.manifest import Manifest

Arrays = dict[str, Any]

X = np.arange(15, dtype=np.float32).reshape(5, 3)
KEYS = [b"a", b"b", b"c", b"d", b"e"]
LABELS = [b"a=9", b"b=27", b"c=45", b"d=63", b"e=81"]
"""Each has its key, and the sum of ``2 * x + 1`` over its row."""


class FakeTail(tfnative.Model):
    """Stands in for TensorFlow: writes the sum of each row behind its key."""

    name = "tail"

    def __init__(self, path: Path, **options: Any) -> None:
        assert options == {"device": "cpu"}
        self.path = str(path)
        self.fail: BaseException | None = None
        self.threads: list[str] = []
        self.rows: list[int] = []
        made.append(weakref.ref(self))

    def predict(self, inputs: Any, /, **_: Any) -> Any:
        assert sorted(inputs) == ["compiled/y", "key"]
        self.threads.append(threading.current_thread().name)
        self.rows.append(len(inputs["key"]))
        if self.fail is not None:
            raise self.fail
        numbers = inputs["compiled/y"].sum(1)
        labels = np.empty(len(numbers), object)
        for row, number in enumerate(numbers):
            labels[row] = inputs["key"][row] + f"={number:.0f}".encode()
        return {"label": labels}


made: list[weakref.ref[FakeTail]] = []


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    made.clear()
    monkeypatch.setattr(tensorflow_model, "TensorflowModel", FakeTail)


def build(folder: Path, **changes: Any) -> Path:
    tail = folder / "tails" / "affine"
    tail.mkdir(parents=True)
    (tail / "saved_model.pb").write_bytes(b"a graph")
    content = manifest()
    content["signatures"]["affine"]["tail"] = {
        "kind": "tensorflow",
        "path": "tails/affine",
        "inputs": [{"name": "key", "dtype": "string", "shape": [-1]}],
        "reads": ["y"],
        "outputs": [{"name": "label", "dtype": "string", "shape": [-1]}],
        "passes": ["y"],
        "ops": ["AsString", "StringJoin"],
        "digest": part_digest(tail),
        **changes,
    }
    return build_fake(folder, json.dumps(content))


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("split"))


@pytest.fixture
def model(artifact: Path) -> tfnative.Model:
    return tfnative.load(artifact)


def given(rows: int = 5) -> Arrays:
    return {"x": X[:rows], "key": KEYS[:rows]}


def predict(model: Any, inputs: Arrays | None = None, **options: Any) -> Any:
    return model.predict(inputs or given(), signature="affine", **options)


def assert_found(found: Arrays, rows: int = 5) -> None:
    assert list(found) == ["label", "y"]
    assert found["label"].tolist() == LABELS[:rows]
    np.testing.assert_array_equal(found["y"], 2 * X[:rows] + 1)


def test_the_tail_makes_what_callers_get(model):
    assert model.backend == "split"
    assert model.backend_reason == "TensorFlow runs the ops AsString, StringJoin"
    signature = model.signature("affine")
    assert set(signature.inputs) == {"x", "key"}
    assert signature.inputs["key"] == ("key", np.dtype(object), (-1,))
    assert signature.outputs["label"] == ("label", np.dtype(object), (-1,))
    assert_found(predict(model))
    assert_found(model.predict_compiled(given(4), signature="affine"), 4)
    assert_found(predict(model, given(0)), 0)


def test_other_signatures_have_no_tail(model):
    others = [name for name in model.signatures if name != "affine"]
    assert others
    for name in others:
        assert "label" not in model.signature(name).outputs


def test_a_profile_is_that_of_the_compiled_code(model):
    (tail,) = made
    assert model.profile(given(), signature="affine", runs=3).runs == 3
    assert tail().rows == [5]  # Of the run to warm up.


def test_results_are_written_where_callers_want_them(model):
    out = {"label": np.empty(5, object), "y": np.empty((5, 3), np.float32)}
    found = predict(model, out=out)
    assert all(found[name] is out[name] for name in out)
    assert_found({name: out[name] for name in sorted(out)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": None}, "expected arrays for the outputs 'label', 'y'"),
        ({"label": np.empty(4, object)}, "'label': it has shape (5,), and the array"),
        ({"y": np.empty((5, 3))}, "'y': expected float32, got float64"),
        ({"y": np.empty((3, 5), np.float32).T}, "'y': the array is not C-contiguous"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(model, change, message):
    out = {"label": np.empty(5, object), "y": np.empty((5, 3), np.float32), **change}
    out = {name: array for name, array in out.items() if array is not None}
    with pytest.raises(InvalidArgumentError) as caught:
        predict(model, out=out)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": None}, "input 'key' is missing; expected 'x', 'key'"),
        ({"z": X}, "there is no input 'z'; expected 'x', 'key'"),
        ({"key": KEYS[:4]}, "different numbers of rows: input 'key' has shape (4,)"),
        ({"key": X}, "input 'key': expected string, got float32 (5, 3)"),
        ({"x": X[:, :2]}, "input 'x'"),
    ],
)
def test_inputs_that_do_not_fit_are_named(model, change, message):
    inputs = {n: v for n, v in {**given(), **change}.items() if v is not None}
    with pytest.raises(InvalidArgumentError) as caught:
        predict(model, inputs)
    assert str(caught.value).startswith("model 'fake', signature 'affine'")
    assert message in str(caught.value)


def test_errors_of_the_tail_keep_their_type(model):
    (tail,) = made
    tail().fail = InternalError("broken")
    with pytest.raises(
        InternalError, match="'fake', signature 'affine': in its tail: broken"
    ):
        predict(model)
    tail().fail = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        predict(model)


def test_the_tail_gets_the_rows_of_one_request_and_no_batch_thread_runs_it(model):
    (tail,) = made
    with tfnative.Batcher(model, signature="affine", max_batch_size=16) as batcher:
        futures = [
            batcher.submit({"x": X[row : row + 1], "key": KEYS[row : row + 1]})
            for row in range(5)
        ]
        labels = [future.result()["label"].tolist() for future in futures]
        assert labels == [[label] for label in LABELS]
        assert_found(batcher.predict(given()))
        assert_found(asyncio.run(_predict_async(batcher)))
        assert tail().rows == [1, 1, 1, 1, 1, 5, 5]
        assert not any("batch" in name.lower() for name in tail().threads)
        assert tail().threads[-2] == threading.current_thread().name
        assert tail().threads[-1] != threading.current_thread().name


async def _predict_async(batcher: tfnative.Batcher) -> Any:
    return await batcher.predict_async(given())


def test_an_error_of_the_tail_reaches_its_request_alone(model):
    (tail,) = made
    with tfnative.Batcher(model, signature="affine", max_batch_size=16) as batcher:
        tail().fail = InternalError("broken")
        with pytest.raises(InternalError, match="in its tail: broken"):
            batcher.submit(given()).result()
        with pytest.raises(InternalError, match="in its tail: broken"):
            asyncio.run(_predict_async(batcher))
        with pytest.raises(InternalError, match="in its tail: broken"):
            batcher.predict(given())
        tail().fail = None
        assert_found(batcher.predict(given()))


def test_what_callers_change_after_submit_is_not_read(model):
    inputs = given()
    with tfnative.Batcher(model, signature="affine", max_batch_size=16) as batcher:
        future = batcher.submit(inputs)
        inputs["key"] = [b"z"] * 5
        assert_found(future.result())


def test_closing_lets_the_tail_go_after_the_last_batcher(model):
    (tail,) = made
    with tfnative.Batcher(model, signature="affine") as batcher:
        model.close()
        with pytest.raises(FailedPreconditionError, match="closed"):
            predict(model)
        assert_found(batcher.predict(given()))
    del batcher
    gc.collect()
    assert tail() is None


def test_a_batcher_goes_over_to_another_copy_of_the_same_tail(
    model, artifact, fake, tmp_path
):
    first, other = made[0], tfnative.load(shutil.copytree(artifact, tmp_path / "copy"))
    changed = tfnative.load(build(tmp_path / "changed", ops=["Other"]))
    with tfnative.Batcher(model, signature="affine") as batcher:
        batcher.swap(other)
        model.close()
        gc.collect()
        assert first() is None
        assert_found(batcher.predict(given()))
        with pytest.raises(InvalidArgumentError, match="another tail"):
            batcher.swap(changed)
        with pytest.raises(InvalidArgumentError, match="another head"):
            batcher.swap(tfnative.load(fake))
        assert_found(batcher.predict(given()))


def test_copies_have_a_tail(model):
    assert_found(predict(pickle.loads(pickle.dumps(model))))


def test_a_tail_that_was_changed_is_refused(artifact, tmp_path):
    copy = shutil.copytree(artifact, tmp_path / "copy")
    (copy / "tails" / "affine" / "saved_model.pb").write_bytes(b"another")
    with pytest.raises(LoadError, match="is not what was compiled"):
        tfnative.load(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reads": ["z"]}, "reads outputs that it does not have"),
        ({"passes": ["z"]}, "reads outputs that it does not have"),
        (
            {"outputs": [{"name": "y", "dtype": "string", "shape": None}]},
            "has two outputs 'y'",
        ),
        ({"digest": 1}, "manifest"),
        ({"ops": "Join"}, "manifest"),
        ({"kind": "other"}, "has a tail of kind 'other', which is not known"),
        ({"outputs": [{"name": "y", "dtype": "string"}]}, "shape is missing"),
    ],
)
def test_a_tail_that_does_not_fit_is_refused(tmp_path, change, message):
    with pytest.raises(LoadError, match=message):
        tfnative.load(build(tmp_path, **change))


def test_the_manifest_says_what_it_says_after_a_round_trip(model, tmp_path):
    text = model.manifest.to_json()
    assert Manifest.from_json(text) == model.manifest
    assert '"reads": [' in text
    content = json.loads(text)
    content["signatures"]["affine"]["tail"]["outputs"][0]["shape"] = None
    read = Manifest.from_json(json.dumps(content)).signatures["affine"].tail
    assert read is not None
    assert read.outputs[0].shape is None


def test_without_tensorflow_the_error_names_the_ops(artifact, monkeypatch):
    def missing(path: Path, **options: Any) -> Any:
        raise NotFoundError("there is no TensorFlow library: install it")

    monkeypatch.setattr(tensorflow_model, "TensorflowModel", missing)
    with pytest.raises(
        NotFoundError,
        match="'affine': its ops AsString, StringJoin run in TensorFlow, and there is",
    ):
        tfnative.load(artifact)
