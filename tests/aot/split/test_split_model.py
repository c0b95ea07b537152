# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models of which TensorFlow runs the first ops, and compiled code the rest."""

from __future__ import annotations

import asyncio
import json
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.aot.split.whole_models import Arrays, error_without_tensorflow, runner
from tests.models import split
from tests.seeded_cache import seed_cache
from tests.turns import Once
from tfnative import cache, cli
from tfnative.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    LoadError,
)
from tfnative.manifest import TensorFlowHead


def words(rows: int, rng: np.random.Generator) -> Arrays:
    weights = rng.random((rows, 5)).astype(np.float32)
    return {"words": split.random_words(rows, rng), "weights": weights}


INPUTS: dict[str, Callable[[int, np.random.Generator], Arrays]] = {
    "reviews": words,
    "photos": lambda rows, rng: {"files": split.random_photos(rows, rng)},
    "baskets": lambda rows, rng: {"examples": split.random_baskets(rows, rng)},
}


@pytest.fixture(scope="module")
def sources(once: Once) -> dict[str, Path]:
    def make(folder: Path) -> Path:
        for name in INPUTS:
            getattr(split, name)(folder / name / "1")
        # What the head needs lies in the model: the file of the vocabulary goes.
        shutil.rmtree(folder / "reviews" / "vocabulary")
        return folder

    folder = once("split/models", make)
    return {name: folder / name / "1" for name in INPUTS}


@pytest.fixture(scope="module")
def artifacts(once: Once, sources: dict[str, Path]) -> dict[str, Path]:
    def make(folder: Path) -> Path:
        for name, source in sources.items():
            both = ["serving_default", "numbers"]
            tfnative.compile(
                *(source, folder / name),
                signatures=both if name == "reviews" else None,
                batch_sizes=(1, 8),
                cpus=["native"],
            )
        return folder

    folder = once("split/artifacts", make)
    return {name: folder / name for name in INPUTS}


@pytest.fixture(scope="module")
def reviews(artifacts: dict[str, Path]) -> Path:
    return artifacts["reviews"]


@pytest.fixture(scope="module")
def run(sources: dict[str, Path]) -> Callable[[str, Arrays], Arrays]:
    return runner(sources)


def assert_close(got: Arrays, expected: Arrays) -> None:
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_allclose(got[name], array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [0, 1, 5, 8, 21])
@pytest.mark.parametrize("name", INPUTS)
def test_predictions_are_those_of_tensorflow(artifacts, run, name, rows):
    if name == "photos" and rows == 0:
        pytest.skip("TensorFlow itself refuses to map over nothing")
    inputs = INPUTS[name](rows, np.random.default_rng(rows))
    with tfnative.load(artifacts[name]) as model:
        got = model.predict(inputs)
    assert_close(got, run(name, inputs))


def test_what_is_compiled_and_what_is_not_is_said(artifacts):
    expected = {
        "reviews": {"LookupTableFindV2", "StringLower"},
        "photos": {"DecodeJpeg"},
        "baskets": {"LookupTableFindV2", "ParseExampleV2"},
    }
    for name, ops in expected.items():
        with tfnative.load(artifacts[name]) as model:
            assert model.backend == "split"
            assert model.backend_reason.startswith("TensorFlow runs the ops ")
            head = model.manifest.signatures["serving_default"].head
        assert isinstance(head, TensorFlowHead)
        assert ops <= set(head.ops)
        assert not {"MatMul", "Conv2D", "GatherV2"} & set(head.ops)


def test_the_signature_is_that_of_the_whole_model(reviews):
    with tfnative.load(reviews) as model:
        inputs = model.signature().inputs
        assert dict(inputs) == {
            "words": ("words", np.dtype(object), (-1, 5)),
            "weights": ("weights", np.dtype(np.float32), (-1, 5)),
        }
        assert model.signature().rows_independent
        x = np.ones((2, 8), np.float32)
        assert list(model.signature("numbers").inputs) == ["x"]
        assert model.predict(x, signature="numbers").shape == (2, 3)


def test_the_compiled_part_has_a_function_in_c(artifacts):
    header = (artifacts["photos"] / "include" / "photos.h").read_text()
    assert "const float* TensorListStack" in header


def test_inputs_are_taken_as_other_models_take_them(reviews, run):
    inputs = words(3, np.random.default_rng(0))
    expected = run("reviews", inputs)
    texts = [[text.decode() for text in row] for row in inputs["words"].tolist()]
    out = np.empty((3, 3), np.float32)
    with tfnative.load(reviews) as model:
        given = {**inputs, "words": texts}
        assert_close(model.predict(given), expected)
        assert model.predict(given, out={"scores": out})["scores"] is out
        assert_close({"scores": out}, expected)
        assert model.profile(given, runs=1).steps
        with pytest.raises(InvalidArgumentError, match="'weights' is missing; expec"):
            model.predict({"words": texts})
        with pytest.raises(InvalidArgumentError, match="there is no input 'bias'"):
            model.predict({**inputs, "bias": 1})
        with pytest.raises(InvalidArgumentError, match="expected a dict"):
            model.predict(texts)
        with pytest.raises(InvalidArgumentError, match="rows"):
            model.predict({**inputs, "weights": inputs["weights"][:2]})
        with pytest.raises(InvalidArgumentError, match=r"in its head: .*'words'"):
            model.predict({**inputs, "words": inputs["words"][:, :4]})
    with pytest.raises(FailedPreconditionError, match="closed"):
        model.predict(given)


def test_what_tensorflow_refuses_is_an_argument_that_does_not_fit(artifacts):
    where = "model 'photos', signature 'serving_default': in its head: "
    with (
        tfnative.load(artifacts["photos"]) as model,
        pytest.raises(InvalidArgumentError, match=where),
    ):
        model.predict([b"no image"])


def test_batchers_gather_what_the_head_gives(reviews, run):
    inputs = words(7, np.random.default_rng(1))
    expected = run("reviews", inputs)
    parts = [{n: a[i : i + 1] for n, a in inputs.items()} for i in range(7)]
    with (
        tfnative.load(reviews) as model,
        tfnative.load(reviews) as other,
        tfnative.Batcher(model, max_batch_size=8) as batcher,
    ):
        assert_close(batcher.predict(inputs), expected)
        batcher.swap(other)
        model.close()
        futures = [batcher.submit(part) for part in parts]
        rows = [future.result()["scores"] for future in futures]
        assert_close({"scores": np.concatenate(rows)}, expected)
        found = asyncio.run(_predict_async(batcher, inputs))
        assert_close(found, expected)


async def _predict_async(batcher: tfnative.Batcher, inputs: Arrays) -> Any:
    return await batcher.predict_async(inputs)


def test_a_batcher_keeps_to_one_head(artifacts, tmp_path):
    def build(folder: Path, vocabulary: str) -> Path:
        original = split.WORDS
        split.WORDS = [f"{vocabulary}{word}" for word in original]
        try:
            source = split.reviews(folder / "model")
        finally:
            split.WORDS = original
        return tfnative.compile(source, folder / "reviews", cpus=["native"])

    other = build(tmp_path, "x")
    with (
        tfnative.load(artifacts["reviews"]) as model,
        tfnative.load(other) as changed,
        tfnative.Batcher(model, max_batch_size=8) as batcher,
        pytest.raises(InvalidArgumentError, match="another head"),
    ):
        batcher.swap(changed)


def test_threads_and_copies_predict_the_same(reviews, run):
    inputs = [words(4, np.random.default_rng(seed)) for seed in range(6)]
    expected = [run("reviews", each) for each in inputs]
    with tfnative.load(reviews) as model, ThreadPoolExecutor(6) as pool:
        copy = pickle.loads(pickle.dumps(model))
        assert (copy.backend, copy.backend_reason) == (
            model.backend,
            model.backend_reason,
        )
        for each in (model, copy):
            for _ in range(5):
                for got, wanted in zip(
                    pool.map(each.predict, inputs), expected, strict=True
                ):
                    assert_close(got, wanted)


def test_it_may_lie_anywhere(reviews, run, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(reviews, moved)
    inputs = words(2, np.random.default_rng(5))
    with tfnative.load(moved) as model:
        model.warmup()
        assert_close(model.predict(inputs), run("reviews", inputs))


def test_the_golden_vectors_are_those_of_the_whole_model(artifacts):
    for artifact in artifacts.values():
        report = tfnative.selftest(artifact)
        assert report.passed
        assert "serving_default" in {check.signature for check in report.checks}


def test_the_commands_know_them(artifacts, capsys, tmp_path):
    reviews = str(artifacts["reviews"])
    assert cli.main(["inspect", reviews]) == 0
    shown = capsys.readouterr().out
    assert "takes words (string (rows, 5)); TensorFlow makes " in shown
    assert "LookupTableFindV2" in shown
    assert cli.main(["inspect", reviews, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["signatures"]["serving_default"]["head"]["inputs"]
    inputs = words(2, np.random.default_rng(0))
    inputs["words"] = inputs["words"].astype("S")
    np.savez(tmp_path / "in.npz", **inputs)
    arguments = ["--signature", "serving_default", "--input", str(tmp_path / "in.npz")]
    assert cli.main(["run", reviews, *arguments]) == 0
    for command in (["bench", "--seconds", "0.01"], ["selftest"]):
        assert cli.main([command[0], reviews, *command[1:]]) == 0


@pytest.mark.parametrize(
    "change",
    [
        shutil.rmtree,
        lambda head: (head / "saved_model.pb").unlink(),
        lambda head: (head / "saved_model.pb").write_bytes(b"damaged"),
        lambda head: next((head / "assets").iterdir()).write_text("other\nwords\n"),
        lambda head: (head / "more").write_text("a file"),
    ],
)
def test_a_head_that_was_changed_is_refused(reviews, tmp_path, change):
    copy = tmp_path / "copy"
    shutil.copytree(reviews, copy)
    change(copy / "heads" / "serving_default")
    with pytest.raises(LoadError, match="is not what was compiled"):
        tfnative.load(copy)


def test_without_tensorflow_the_error_names_the_ops_and_what_to_install(reviews):
    said = error_without_tensorflow(reviews)
    assert "its ops HashTableV2, LookupTableFindV2, " in said
    assert "pip install" in said


def test_inputs_of_the_users_are_compared_and_kept(sources, tmp_path):
    golden = words(3, np.random.default_rng(9))
    artifact = tfnative.compile(
        sources["reviews"],
        tmp_path / "own",
        batch_sizes=(1,),
        cpus=["native"],
        golden={**golden, "words": golden["words"].astype(str)},
    )
    from tfnative._backends.native.golden import golden_inputs

    with tfnative.load(artifact) as model:
        kept = golden_inputs(model, model.signature(), 3)
    assert kept["words"].tolist() == golden["words"].tolist()


@pytest.mark.slow
def test_auto_cuts_and_says_what_tensorflow_runs(sources, run, tmp_path, monkeypatch):
    monkeypatch.setenv("TFNATIVE_CACHE", str(seed_cache(tmp_path)))
    for expected in ("compiled for ", "compiled code from the cache; "):
        with tfnative.load(sources["reviews"], backend="auto") as model:
            assert model.backend == "split"
            assert model.backend_reason.startswith(expected)
            assert "TensorFlow runs the ops HashTableV2" in model.backend_reason
            inputs = words(11, np.random.default_rng(3))
            assert_close(model.predict(inputs), run("reviews", inputs))
    (entry,) = cache.entries()
    assert entry.refusal is None


def test_what_is_wrong_with_the_rest_stands_behind_what_is_wrong_with_all(tmp_path):
    import tensorflow as tf

    spec = [tf.TensorSpec([None, 6], tf.float32, "x")]
    module = tf.Module()
    module.f = tf.function(_row_by_row, input_signature=spec, autograph=False)
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.f)
    with pytest.raises(tfnative.CompileError) as refused:
        tfnative.compile(tmp_path / "model", tmp_path / "it", cpus=["native"])
    whole, rest = str(refused.value).split("DynamicStitch", 1)
    assert "DynamicPartition (DynamicPartition): the size of its result" in whole
    assert "has to be known when the model is compiled" in rest
    assert "DynamicPartition" in refused.value.ops
    assert not (tmp_path / "it").exists()


def _row_by_row(x: Any) -> dict[str, Any]:
    """What chooses its rows by their values, and puts them together again."""
    import tensorflow as tf

    def row(r: Any) -> Any:
        return tf.cond(r[0] > 0, lambda: r * 2.0, lambda: r - 1.0)

    return {"y": tf.vectorized_map(row, x) @ tf.ones([6, 3])}
