# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled models with a head, which a stand-in for TensorFlow runs.

The real TensorFlow is in tests/aot/test_split_model.py.
"""

from __future__ import annotations

import gc
import json
import pickle
import shutil
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

TEXTS = [b"a", b"bcd", b"", b"ef", b"ghijk"]
LENGTHS = np.array([[len(text)] * 3 for text in TEXTS], np.float32)


class FakeHead(tfnative.Model):
    """Stands in for TensorFlow: the lengths of texts."""

    name = "head"

    def __init__(self, path: Path, **options: Any) -> None:
        assert options == {"device": "cpu"}
        self.path = str(path)
        self.fail: Exception | None = None
        made.append(weakref.ref(self))

    def predict(self, inputs: Any, /, **_: Any) -> Any:
        assert list(inputs) == ["texts"]
        if self.fail is not None:
            raise self.fail
        lengths = [[len(text)] * 3 for text in inputs["texts"]]
        return {"x": np.array(lengths, np.float32).reshape(-1, 3)}


made: list[weakref.ref[FakeHead]] = []


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    made.clear()
    monkeypatch.setattr(tensorflow_model, "TensorflowModel", FakeHead)


def build(folder: Path, **changes: Any) -> Path:
    head = folder / "heads" / "affine"
    head.mkdir(parents=True)
    (head / "saved_model.pb").write_bytes(b"a graph")
    content = manifest()
    content["signatures"]["affine"]["head"] = {
        "kind": "tensorflow",
        "path": "heads/affine",
        "inputs": [{"name": "texts", "dtype": "string", "shape": [-1]}],
        "feeds": ["x"],
        "ops": ["Lookup", "StringLength"],
        "digest": part_digest(head),
        **changes,
    }
    return build_fake(folder, json.dumps(content))


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("split"))


@pytest.fixture
def model(artifact: Path) -> tfnative.Model:
    return tfnative.load(artifact)


def predict(model: Any, inputs: Any = TEXTS) -> Any:
    return model.predict(inputs, signature="affine")


def test_the_head_makes_what_the_compiled_code_takes(model):
    assert model.backend == "split"
    assert model.backend_reason == "TensorFlow runs the ops Lookup, StringLength"
    spec = model.signature("affine").inputs["texts"]
    assert spec == ("texts", np.dtype(object), (-1,))
    np.testing.assert_array_equal(predict(model), 2 * LENGTHS + 1)
    found = predict(model, {"texts": TEXTS[:2]})
    np.testing.assert_array_equal(found["y"], 2 * LENGTHS[:2] + 1)
    out = np.empty((5, 3), np.float32)
    assert model.predict(TEXTS, signature="affine", out=out) is out
    compiled = model.predict_compiled(TEXTS[:4], signature="affine")
    np.testing.assert_array_equal(compiled, 2 * LENGTHS[:4] + 1)


def test_other_signatures_have_no_head(model):
    others = [name for name in model.signatures if name != "affine"]
    assert others
    for name in others:
        assert "texts" not in model.signature(name).inputs


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "input 'texts' is missing; expected 'texts'"),
        ({"texts": TEXTS, "x": LENGTHS}, "there is no input 'x'; expected 'texts'"),
    ],
)
def test_inputs_that_do_not_fit_are_named(model, inputs, message):
    with pytest.raises(InvalidArgumentError) as caught:
        predict(model, inputs)
    assert str(caught.value) == f"model 'fake', signature 'affine': {message}"


def test_errors_of_the_head_keep_their_type(model):
    (head,) = made
    head().fail = InternalError("broken")
    with pytest.raises(
        InternalError, match="'fake', signature 'affine': in its head: broken"
    ):
        predict(model)
    head().fail = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        predict(model)


def test_closing_lets_the_head_go_after_the_last_batcher(model):
    (head,) = made
    with tfnative.Batcher(model, signature="affine") as batcher:
        model.close()
        with pytest.raises(FailedPreconditionError, match="closed"):
            predict(model)
        np.testing.assert_array_equal(batcher.predict(TEXTS), 2 * LENGTHS + 1)
        futures = [batcher.submit([text]) for text in TEXTS]
        found = np.concatenate([future.result() for future in futures])
        np.testing.assert_array_equal(found, 2 * LENGTHS + 1)
    del batcher, futures
    gc.collect()
    assert head() is None


def test_a_batcher_goes_over_to_another_copy_of_the_same_head(
    model, artifact, fake, tmp_path
):
    first, other = made[0], tfnative.load(shutil.copytree(artifact, tmp_path / "copy"))
    with tfnative.Batcher(model, signature="affine") as batcher:
        batcher.swap(other)
        model.close()
        gc.collect()
        assert first() is None
        np.testing.assert_array_equal(batcher.predict(TEXTS), 2 * LENGTHS + 1)
        with pytest.raises(InvalidArgumentError, match="another head"):
            batcher.swap(tfnative.load(fake))
        np.testing.assert_array_equal(batcher.predict(TEXTS), 2 * LENGTHS + 1)
    with (
        tfnative.Batcher(tfnative.load(fake), signature="affine") as batcher,
        pytest.raises(InvalidArgumentError, match="another head"),
    ):
        batcher.swap(other)


def test_copies_have_a_head(model):
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(predict(copy), predict(model))


def test_a_head_that_was_changed_is_refused(artifact, tmp_path):
    copy = shutil.copytree(artifact, tmp_path / "copy")
    (copy / "heads" / "affine" / "saved_model.pb").write_bytes(b"another")
    with pytest.raises(LoadError, match="is not what was compiled"):
        tfnative.load(copy)


def test_a_head_for_other_inputs_is_refused(tmp_path):
    with pytest.raises(LoadError, match="computes inputs that it does not have"):
        tfnative.load(build(tmp_path, feeds=["z"]))


@pytest.mark.parametrize("change", [{"digest": 1}, {"ops": "Lookup"}, {"inputs": {}}])
def test_a_damaged_manifest_is_refused(tmp_path, change):
    with pytest.raises(LoadError, match="manifest"):
        tfnative.load(build(tmp_path, **change))


def test_the_manifest_says_what_it_says_after_a_round_trip(model):
    text = model.manifest.to_json()
    assert Manifest.from_json(text) == model.manifest
    assert '"kind": "tensorflow"' in text


def test_without_tensorflow_the_error_names_the_ops(artifact, monkeypatch):
    def missing(path: Path, **options: Any) -> Any:
        raise NotFoundError("there is no TensorFlow library: install it")

    monkeypatch.setattr(tensorflow_model, "TensorflowModel", missing)
    with pytest.raises(
        NotFoundError,
        match="'affine': its ops Lookup, StringLength run in TensorFlow, and there is",
    ):
        tfnative.load(artifact)
