# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which models are cut before what TensorFlow has to run last, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models.heads import message
from tests.models.tails import LABELS
from tfnative.errors import CompileError, InvalidArgumentError

tf: Any = pytest.importorskip("tensorflow")

Arrays = dict[str, Any]

WEIGHTS = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)


def save(function: Callable[..., Any], path: Path, *specs: Any, **parts: Any) -> Path:
    module = tf.Module()
    module.weights = tf.Variable(WEIGHTS)
    for name, part in parts.items():
        setattr(module, name, part)
    module.f = tf.function(
        lambda *given: function(module, *given), input_signature=specs
    )
    tf.saved_model.save(module, str(path), signatures=module.f)
    return path


def floats(*shape: int | None, name: str = "x") -> Any:
    return tf.TensorSpec(shape, tf.float32, name)


def compiled(source: Path, folder: Path, **options: Any) -> tfnative.Model:
    options = {"batch_sizes": (1, 4), "cpus": ["native"], **options}
    return tfnative.load(tfnative.compile(source, folder / "artifact", **options))


def label(scores: Any) -> Any:
    return tf.gather(tf.constant(LABELS), tf.argmax(scores, 1))


def numbers(rows: int, *shape: int) -> Any:
    return np.random.default_rng(rows).standard_normal((rows, *shape)).astype("f4")


def table() -> Any:
    keys = tf.range(5, dtype=tf.int64)
    initializer = tf.lookup.KeyValueTensorInitializer(keys, keys * 3)
    return tf.lookup.StaticHashTable(initializer, -1)


def test_what_a_message_has_is_passed_to_the_tail(tmp_path):
    def call(module: Any, examples: Any) -> Arrays:
        features = {
            "id": tf.io.FixedLenFeature([], tf.string),
            "x": tf.io.FixedLenFeature([4], tf.float32),
        }
        parsed = tf.io.parse_example(examples, features)
        scores = parsed["x"] @ module.weights
        return {"id": parsed["id"], "scores": scores, "label": label(scores)}

    spec = tf.TensorSpec([None], tf.string, "examples")
    x = numbers(3, 4)
    messages = [message(id=[f"n{row}".encode()], x=x[row]) for row in range(3)]
    with compiled(save(call, tmp_path / "model", spec), tmp_path) as model:
        got = model.predict({"examples": messages})
    assert got["id"].tolist() == [b"n0", b"n1", b"n2"]
    np.testing.assert_allclose(got["scores"], x @ WEIGHTS, rtol=1e-5)
    best = [LABELS[place].encode() for place in (x @ WEIGHTS).argmax(1)]
    assert got["label"].tolist() == best


def test_assertions_of_both_parts_are_checked(tmp_path):
    def call(module: Any, x: Any) -> Arrays:
        scores = x @ module.weights
        tf.debugging.assert_less(scores, 100.0, message="too large")
        found = label(scores)
        known = tf.reduce_all(tf.strings.length(found) < 100)
        tf.debugging.Assert(known, ["too long"])
        tf.debugging.assert_greater(x[:, 0], -50.0, message="too small")
        return {"label": found}

    with compiled(save(call, tmp_path / "model", floats(None, 4)), tmp_path) as model:
        assert model.predict(np.zeros((3, 4), np.float32)).shape == (3,)
        large = np.sign(WEIGHTS[:, :1].T) * np.float32(1e3)
        with pytest.raises(InvalidArgumentError, match="too large"):
            model.predict(large)
        with pytest.raises(InvalidArgumentError, match="too small"):
            model.predict(np.array([[-60, 0, 0, 0]], np.float32))


def test_a_table_behind_the_network_does_not_leave_that_to_tensorflow(tmp_path):
    def call(module: Any, x: Any) -> Arrays:
        found = module.table.lookup(tf.argmax(x @ module.weights, 1))
        return {"y": tf.cast(found, tf.float32) * 0.5 + 1}

    source = save(call, tmp_path / "model", floats(None, 4), table=table())
    with compiled(source, tmp_path) as model:
        of = model.manifest.signatures["serving_default"]
        assert of.head is None
        assert of.tail is not None
        assert "MatMul" not in of.tail.ops
        x = numbers(6, 4)
        expected = (x @ WEIGHTS).argmax(1) * 1.5 + 1
        np.testing.assert_array_equal(model.predict(x), expected.astype("f4"))


def test_a_model_with_little_before_its_tail_is_cut_too(tmp_path):
    def call(module: Any, x: Any) -> Arrays:
        del module
        return {"text": tf.strings.as_string(x * 2 + 1, precision=1)}

    with compiled(save(call, tmp_path / "model", floats(None)), tmp_path) as model:
        assert model.predict([1.0, 4.0, 0.5]).tolist() == [b"3.0", b"9.0", b"2.0"]


def test_a_model_without_a_batch_is_cut(tmp_path):
    def call(module: Any, x: Any) -> Arrays:
        scores = x @ module.weights
        return {"label": label(scores), "where": tf.where(scores > 0)}

    source = save(call, tmp_path / "model", floats(3, 4))
    with compiled(source, tmp_path, batch_sizes=(1,)) as model:
        x = numbers(3, 4)
        got = model.predict({"x": x})
    np.testing.assert_array_equal(got["where"], np.argwhere(x @ WEIGHTS > 0))
    assert got["label"].shape == (3,)


@pytest.mark.slow
def test_rows_that_the_input_picks_are_picked_behind_what_is_compiled(tmp_path):
    def call(module: Any, x: Any) -> Arrays:
        return {"rows": tf.boolean_mask(x @ module.weights, tf.reduce_sum(x, 1) > 0)}

    source = save(call, tmp_path / "model", floats(None, 4))
    artifact = tfnative.compile(
        source, tmp_path / "artifact", cpus=["native"], batch_sizes=[7]
    )
    x = np.random.default_rng(2).standard_normal((7, 4)).astype(np.float32)
    expected = (x @ WEIGHTS)[x.sum(1) > 0]
    assert 0 < len(expected) < 7
    found = tfnative.load(artifact).predict({"x": x})["rows"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("end", ["random", "network", "table"])
def test_what_no_tail_may_have_is_refused(tmp_path, end):
    parts = {"network": tf.Variable(WEIGHTS.T.copy())}
    if end == "table":
        parts["names"] = tf.lookup.experimental.MutableHashTable(
            tf.int64, tf.string, "?"
        )

    def call(module: Any, x: Any) -> Arrays:
        scores = x @ module.weights
        if end == "random":
            scores += tf.random.uniform(tf.shape(scores))
        if end == "network":
            kept = tf.boolean_mask(scores, scores[:, 0] > 0)
            return {"text": tf.strings.as_string(kept @ module.network)}
        if end == "table":
            return {"text": module.names.lookup(tf.argmax(scores, 1))}
        return {"label": label(scores)}

    message = {
        "random": "a head has no state",
        "network": "it cannot be cut: ",
        "table": r"MutableHashTable.*checkpoint",
    }[end]
    source = save(call, tmp_path / "model", floats(None, 4), **parts)
    with pytest.raises(CompileError, match=message):
        tfnative.compile(source, tmp_path / "artifact", cpus=["native"])


def _random_model(rng: np.random.Generator) -> Callable[..., Arrays]:
    """Steps in any order, of which some can be compiled and some cannot."""
    steps = rng.integers(0, 9, 7).tolist()
    picks = rng.integers(0, 100, (7, 2)).tolist()

    def call(module: Any, x: Any, key: Any) -> Arrays:
        rows, texts = [x, x @ module.weights[:, :4]], [key]
        for step, (one, other) in zip(steps, picks, strict=True):
            a, b = rows[one % len(rows)], rows[other % len(rows)]
            text = texts[other % len(texts)]
            best = tf.argmax(a, 1)
            match step:
                case 0 | 1:
                    rows.append(tf.tanh(a @ module.weights[:, :4]))
                case 2:
                    rows.append(a + b)
                case 3:
                    found = tf.cast(module.table.lookup(best), tf.float32)
                    rows.append(b + found[:, None])
                case 4:
                    texts.append(tf.gather(tf.constant(LABELS), best))
                case 5:
                    texts.append(tf.strings.join([text, label(b)], "/"))
                case 6:
                    length = tf.cast(tf.strings.length(text), tf.float32)
                    rows.append(a * length[:, None])
                case 7:
                    texts.append(tf.strings.as_string(tf.round(b[:, 0]), precision=0))
                case _:
                    tf.debugging.assert_less(a, 1e9)
                    rows.append(tf.where(a > b, a, -b))
        return {
            "number": rows[-1],
            "other": rows[picks[0][0] % len(rows)],
            "text": texts[-1],
        }

    return call


def test_the_parts_together_are_the_whole(tmp_path):
    """Front and tail in TensorFlow, of models whose steps are in any order."""
    from tfnative_aot.load.load_model import load_model
    from tfnative_aot.split.divide import _core_model, divide
    from tfnative_aot.split.tensorflow_part import (
        HeadRunner,
        TailRunner,
        write_head,
        write_tail,
    )

    specs = [floats(None, 4), tf.TensorSpec([None], tf.string, "key")]
    shapes = {"x": (-1, 4), "key": (-1,)}
    inputs = {"x": numbers(6, 4), "key": np.array([b"a", b"bc", b"", b"d"] * 2)[:6]}
    inputs["key"] = inputs["key"].astype(object)
    cut = 0
    for seed in range(14):
        folder = tmp_path / str(seed)
        call = _random_model(np.random.default_rng(seed))
        source = save(call, folder / "model", *specs, table=table())
        model = load_model(source)
        try:
            parts, tail = divide(model, model.signature("serving_default"), None)
        except CompileError:
            continue
        if tail is None:
            continue
        cut += 1
        fed = inputs
        if parts.head:
            head = write_head(parts, shapes, model, folder, "head")
            fed = {**inputs, **HeadRunner(head, folder).run(inputs)}
        names = [spec.name for spec in parts.signature.inputs]
        core = _core_model(model, parts)
        between = core.run("serving_default", {name: fed[name] for name in names})
        runner = TailRunner(write_tail(tail, model, folder, "tail"), folder)
        got = runner.run(inputs, between)
        expected = model.run("serving_default", inputs)
        assert got.keys() == expected.keys()
        for name, array in expected.items():
            if array.dtype == object:
                np.testing.assert_array_equal(got[name], array, str(seed))
            else:
                np.testing.assert_allclose(got[name], array, 1e-5, 1e-6, True, name)
    assert cut > 4
