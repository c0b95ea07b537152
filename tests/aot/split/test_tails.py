# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models of which TensorFlow runs the last ops, and compiled code the others."""

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
from tests.models import tails
from tests.models.split import random_words
from tests.turns import Once
from tfnative import cli
from tfnative.errors import CompileError, InvalidArgumentError, LoadError

Make = Callable[[int, np.random.Generator], Arrays]


def numbers(*shape: int) -> Make:
    def make(rows: int, rng: np.random.Generator) -> Arrays:
        return {"x": rng.standard_normal((rows, *shape)).astype(np.float32)}

    return make


def with_keys(rows: int, rng: np.random.Generator) -> Arrays:
    keys = np.empty(rows, object)
    keys[:] = [f"key {row}".encode() for row in range(rows)]
    return {**numbers(8)(rows, rng), "key": keys}


INPUTS: dict[str, Make] = {
    "labels": with_keys,
    "greedy": numbers(12, 6),
    "beams": numbers(12, 6),
    "chosen": numbers(6),
    "both": lambda rows, rng: {"words": random_words(rows, rng)},
}
INDEPENDENT = {"labels", "both"}


@pytest.fixture(scope="module")
def sources(once: Once) -> dict[str, Path]:
    def make(folder: Path) -> Path:
        for name in INPUTS:
            getattr(tails, name)(folder / name / "1")
        return folder

    folder = once("tails/models", make)
    return {name: folder / name / "1" for name in INPUTS}


@pytest.fixture(scope="module")
def artifacts(once: Once, sources: dict[str, Path]) -> dict[str, Path]:
    def make(folder: Path) -> Path:
        for name, source in sources.items():
            tfnative.compile(
                *(source, folder / name),
                signatures=["serving_default", "codes"] if name == "labels" else None,
                batch_sizes=(1, 8) if name in INDEPENDENT else (3,),
                cpus=["native"],
            )
        return folder

    folder = once("tails/artifacts", make)
    return {name: folder / name for name in INPUTS}


@pytest.fixture(scope="module")
def run(sources: dict[str, Path]) -> Callable[[str, Arrays], Arrays]:
    return runner(sources)


def assert_same(got: Arrays, expected: Arrays) -> None:
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        assert got[name].dtype == array.dtype
        if array.dtype.kind == "f":
            np.testing.assert_allclose(got[name], array, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(got[name], array)


def cases() -> list[tuple[str, int]]:
    several = [(name, rows) for name in INDEPENDENT for rows in (0, 1, 5, 8, 21)]
    return sorted(several) + [(n, 3) for n in INPUTS if n not in INDEPENDENT]


@pytest.mark.parametrize(("name", "rows"), cases())
def test_predictions_are_those_of_tensorflow(artifacts, run, name, rows):
    inputs = INPUTS[name](rows, np.random.default_rng(rows))
    with tfnative.load(artifacts[name]) as model:
        got = model.predict(inputs)
        if rows in model.signature().batch_sizes:
            assert_same(model.predict_compiled(inputs), got)
    assert_same(got, run(name, inputs))


def test_what_is_compiled_and_what_is_not_is_said(artifacts):
    expected = {
        "labels": {"AsString", "LookupTableFindV2", "StringJoin"},
        "greedy": {"CTCGreedyDecoder", "ReduceJoin"},
        "beams": {"CTCBeamSearchDecoder"},
        "chosen": {"NonMaxSuppressionV3", "Where"},
        "both": {"LookupTableFindV2"},
    }
    for name, ops in expected.items():
        with tfnative.load(artifacts[name]) as model:
            assert model.backend == "split"
            assert ops <= set(model.backend_reason.replace(",", "").split())
            of = model.manifest.signatures["serving_default"]
            assert (of.head is not None) == (name == "both")
            assert of.tail is not None
            assert ops <= set(of.tail.ops)
            assert not {"MatMul", "Einsum", "Softmax"} & set(of.tail.ops)
            assert model.profile(
                INPUTS[name](3, np.random.default_rng(0)), runs=1
            ).steps


def test_the_signature_is_that_of_the_whole_model(artifacts):
    with tfnative.load(artifacts["labels"]) as model:
        signature = model.signature()
        assert set(signature.inputs) == {"x", "key"}
        assert signature.outputs["label"] == ("label", np.dtype(object), (-1,))
        assert signature.outputs["top"].shape == (-1, 2)
        assert list(signature.outputs) == ["key", "label", "scores", "text", "top"]
        assert model.signature("codes").outputs["code"].shape == (-1,)


def test_what_mixes_rows_takes_compiled_numbers_of_rows_only(artifacts):
    for name, make in INPUTS.items():
        with tfnative.load(artifacts[name]) as model:
            independent = name in INDEPENDENT
            assert model.signature().rows_independent == independent, name
            of = model.manifest.signatures["serving_default"]
            if independent:
                continue
            assert of.rows_reason == "what TensorFlow runs last mixes rows"
            with pytest.raises(InvalidArgumentError, match="rows"):
                model.predict(make(4, np.random.default_rng(0)))
            with pytest.raises(InvalidArgumentError):
                tfnative.Batcher(model)


def test_the_compiled_part_has_a_function_in_c(artifacts):
    header = (artifacts["labels"] / "include" / "labels.h").read_text()
    assert "float* scores" in header
    assert "key" not in header


def test_batchers_give_each_request_what_its_rows_are_called(artifacts, run):
    inputs = with_keys(7, np.random.default_rng(1))
    expected = run("labels", inputs)
    parts = [{n: a[i : i + 1] for n, a in inputs.items()} for i in range(7)]
    with (
        tfnative.load(artifacts["labels"]) as model,
        tfnative.Batcher(model, max_batch_size=8) as batcher,
    ):
        assert_same(batcher.predict(inputs), expected)
        futures = [batcher.submit(part) for part in parts]
        answers = [future.result() for future in futures]
        joined = {n: np.concatenate([a[n] for a in answers]) for n in expected}
        assert_same(joined, expected)
        assert_same(asyncio.run(_predict_async(batcher, inputs)), expected)


async def _predict_async(batcher: tfnative.Batcher, inputs: Arrays) -> Any:
    return await batcher.predict_async(inputs)


def test_threads_and_copies_predict_the_same(artifacts, run):
    inputs = [with_keys(4, np.random.default_rng(seed)) for seed in range(6)]
    expected = [run("labels", each) for each in inputs]
    with tfnative.load(artifacts["labels"]) as model, ThreadPoolExecutor(6) as pool:
        copy = pickle.loads(pickle.dumps(model))
        assert copy.backend_reason == model.backend_reason
        for each in (model, copy):
            found = pool.map(each.predict, inputs * 3)
            for got, wanted in zip(found, expected * 3, strict=True):
                assert_same(got, wanted)


def test_a_shadow_compares_strings(artifacts):
    with tfnative.Shadow(
        tfnative.load(artifacts["labels"]),
        tfnative.load(artifacts["labels"]),
        sample=1.0,
    ) as shadow:
        shadow.predict(with_keys(3, np.random.default_rng(2)))
        shadow.flush()
        assert (shadow.metrics().compared, shadow.metrics().different) == (1, 0)
        with pytest.raises(InvalidArgumentError, match="string"):
            tfnative.Batcher(shadow)


def test_a_server_batches_what_is_compiled(artifacts):
    from tfnative._batch.source import batched_tensors

    expected = {"labels": np.float32, "both": object, "greedy": np.float32}
    for name, dtype in expected.items():
        with tfnative.load(artifacts[name]) as model:
            tensors = batched_tensors(model, model.signature())
        assert tensors[0].dtype == np.dtype(dtype)
        assert any(t.dtype == np.dtype(object) for t in tensors) == (dtype is object)


@pytest.mark.parametrize("batching", [False, True])
def test_a_server_answers_with_strings(artifacts, run, tmp_path, batching):
    for package in ("grpc", "httpx", "starlette", "uvicorn"):
        pytest.importorskip(package, reason=f"needs {package}")
    import httpx

    from tests.aot.running_server import Running
    from tfnative.serving import Client
    from tfnative.serving.server.config import ModelSettings

    shutil.copytree(artifacts["labels"], tmp_path / "labels" / "1")
    parameters = tmp_path / "batching.txt"
    parameters.write_text("max_batch_size { value: 8 }")
    settings = {"labels": ModelSettings("labels", str(tmp_path / "labels"))}
    inputs = with_keys(3, np.random.default_rng(4))
    expected = run("labels", inputs)
    running = Running(settings, str(parameters) if batching else None)
    try:
        with Client(f"localhost:{running.port}") as client:
            assert_same(dict(client.predict("labels", inputs)), expected)
            found = client.predict("labels", {"x": inputs["x"]}, signature="codes")
            best = expected["scores"].argmax(1)
            assert found["code"].tolist() == (best * 100 + 7).tolist()
        row = {"x": inputs["x"][0].tolist(), "key": "key 0"}
        url = f"http://localhost:{running.rest_port}/v1/models/labels:predict"
        answer = httpx.post(url, json={"instances": [row]}, timeout=20).json()
        assert answer["predictions"][0]["text"] == expected["text"][0].decode()
    finally:
        running.stop()


def test_it_may_lie_anywhere(artifacts, run, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(artifacts["both"], moved)
    inputs = INPUTS["both"](2, np.random.default_rng(5))
    with tfnative.load(moved) as model:
        model.warmup()
        assert_same(model.predict(inputs), run("both", inputs))


def test_the_golden_vectors_are_those_of_the_whole_model(artifacts):
    for name, artifact in artifacts.items():
        report = tfnative.selftest(artifact)
        assert report.passed, name
        with tfnative.load(artifact) as model:
            outputs = set(model.signature().outputs)
        assert outputs <= {check.output for check in report.checks}


def test_the_commands_know_them(artifacts, capsys, tmp_path):
    labels = str(artifacts["labels"])
    assert cli.main(["inspect", labels]) == 0
    shown = capsys.readouterr().out
    assert "gives key (string (rows,)), label (string (rows,))" in shown
    assert "LookupTableFindV2" in shown
    assert cli.main(["inspect", labels, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["signatures"]["serving_default"]["tail"]["reads"]
    inputs = with_keys(2, np.random.default_rng(0))
    inputs["key"] = inputs["key"].astype("S")
    np.savez(tmp_path / "in.npz", **inputs)
    arguments = ["--signature", "serving_default", "--input", str(tmp_path / "in.npz")]
    assert cli.main(["run", labels, *arguments]) == 0
    for command in (["bench", "--seconds", "0.01"], ["selftest"]):
        assert cli.main([command[0], labels, *command[1:]]) == 0


def test_a_tail_that_was_changed_is_refused(artifacts, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(artifacts["both"], copy)
    (copy / "tails" / "serving_default" / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(LoadError, match="is not what was compiled"):
        tfnative.load(copy)


def test_without_tensorflow_the_error_names_the_ops_and_what_to_install(artifacts):
    said = error_without_tensorflow(artifacts["beams"])
    assert "its ops CTCBeamSearchDecoder" in said
    assert "pip install" in said


def _save(function: Any, path: Path) -> Path:
    import tensorflow as tf

    module = tf.Module()
    module.function = function
    tf.saved_model.save(module, str(path), signatures=function)
    return path


def test_where_nothing_would_be_left_to_compile_the_model_is_refused(tmp_path):
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def call(x: Any) -> Arrays:
        return {"y": tf.strings.as_string(x), "z": tf.unique(x).y}

    source = _save(call, tmp_path / "model")
    with pytest.raises(CompileError, match=r"output .* is computed from what cannot"):
        tfnative.compile(source, tmp_path / "artifact", cpus=["native"])
