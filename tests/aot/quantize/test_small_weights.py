# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Artifacts with smaller weights answer as TensorFlow does with these weights."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.aot.artifact.test_other_machines import require
from tests.models import split, tails
from tfnative import cli
from tfnative.errors import CompileError, InvalidArgumentError
from tfnative.manifest import Manifest
from tfnative_aot.quantize.rounding import StoredType, rounded

PRECISIONS: dict[str, tuple[StoredType, str]] = {
    "float16-weights": ("f16", "float16"),
    "bfloat16-weights": ("bf16", "bfloat16"),
    "int8-weights": ("s8", "int8"),
}
# Of each variable, the dimensions over which results sum.
SUMMED = {
    "conv": (0, 1, 2),
    "grouped": (0, 1, 2),
    "pointwise": (0, 1, 2),
    "back": (0, 1, 3),
    "dense": (0,),
    "state": (0,),
    "heads": (0,),
    "table": (1,),
}
SHAPES = {
    "conv": (3, 3, 16, 32),
    "grouped": (3, 3, 16, 32),
    "pointwise": (1, 1, 32, 48),
    "back": (3, 3, 16, 48),
    "dense": (1024, 48),
    "state": (48, 48),
    "heads": (40, 4, 12),
    "table": (100, 40),
}
Values = Mapping[str, np.ndarray]


def values() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        name: rng.standard_normal(shape).astype(np.float32) / np.float32(8)
        for name, shape in SHAPES.items()
    }


def module(weights: Values) -> Any:
    """A bit of everything that multiplies with weights, or looks something up."""
    import tensorflow as tf

    made = tf.Module()
    made.weights = {name: tf.Variable(value) for name, value in weights.items()}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 8, 8, 16], tf.float32, name="image"),
            tf.TensorSpec([None, 3], tf.int32, name="ids"),
        ]
    )
    def serve(image: Any, ids: Any) -> dict[str, Any]:
        w = made.weights
        x = tf.nn.relu(tf.nn.conv2d(image, w["conv"], 1, "SAME") + 0.1)
        x = tf.nn.conv2d(x, w["grouped"], 1, "SAME")  # Of two groups.
        x = tf.nn.relu6(tf.nn.conv2d(x, w["pointwise"], 1, "SAME"))
        size = tf.stack([tf.shape(x)[0], 8, 8, 16])
        x = tf.nn.conv2d_transpose(x, w["back"], size, 1)
        flat = tf.tanh(tf.reshape(x, [-1, 1024]) @ w["dense"])
        for _ in tf.range(3):
            flat = tf.tanh(flat @ w["state"])
        found = tf.gather(w["table"], ids)
        heads = tf.einsum("bsc,chd->bshd", found, w["heads"])
        return {"flat": flat, "heads": heads, "found": found}

    made.serve = serve
    return made


def inputs(rows: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(rows)
    return {
        "image": rng.standard_normal((rows, 8, 8, 16)).astype(np.float32),
        "ids": rng.integers(0, 100, (rows, 3)).astype(np.int32),
    }


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("model") / "many"
    made = module(values())
    tf.saved_model.save(made, str(folder), signatures=made.serve)
    return folder


@pytest.fixture(scope="module")
def artifacts(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("artifacts")
    return {
        precision: tfnative.compile(
            saved,
            folder / precision,
            precision=precision,  # type: ignore[arg-type]
            batch_sizes=(1, 4),
            cpus=["native"],
        )
        for precision in ("float32", *PRECISIONS, "int8-dynamic")
    }


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_answers_are_those_of_rounded_weights(artifacts, precision):
    stored, _ = PRECISIONS[precision]
    near = {n: rounded(w, stored, SUMMED[n]) for n, w in values().items()}
    expected_of = module(near).serve
    exact_of = module(values()).serve
    with tfnative.load(artifacts[precision]) as model:
        for rows in (1, 3, 4, 9):  # TensorFlow refuses 0 of a grouped convolution.
            given = inputs(rows)
            got = model.predict(given)
            expected, exact = expected_of(**given), exact_of(**given)
            for name, want in expected.items():
                assert got[name].shape == want.shape
                np.testing.assert_allclose(got[name], want, rtol=0, atol=4e-6)
                assert np.abs(got[name] - exact[name]).max() > 1e-5


@pytest.mark.parametrize(
    ("precision", "most"),
    [
        ("float16-weights", 0.5),
        ("bfloat16-weights", 0.5),
        ("int8-weights", 0.27),
    ],
)
def test_weights_take_as_much_less_space_as_their_type(artifacts, precision, most):
    def weights_bytes(name: str) -> int:
        with tfnative.load(artifacts[name]) as model:
            return model.manifest.weights_bytes

    direct = sum(4 * int(np.prod(shape)) for shape in SHAPES.values())
    assert weights_bytes(precision) <= most * direct + 64 * 2 * len(SHAPES)
    assert weights_bytes(precision) < most * weights_bytes("float32")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_manifest_has_every_layer_and_what_it_costs(artifacts, precision):
    with tfnative.load(artifacts[precision]) as model:
        (signature,) = model.manifest.signatures.values()
    found = signature.precision
    assert found is not None
    assert found.asked == precision
    assert sorted(each.shape for each in found.layers) == sorted(SHAPES.values())
    assert {each.stored for each in found.layers} == {PRECISIONS[precision][1]}
    assert not any(each.reason for each in found.layers)
    least = {"float16": 70, "bfloat16": 50, "int8": 35}[PRECISIONS[precision][1]]
    assert all(least < (each.signal_to_noise or 0) < 90 for each in found.layers)
    assert {each.output for each in found.outputs} == {"flat", "heads", "found"}
    for output in found.outputs:
        assert output.signal_to_noise is not None
        assert output.signal_to_noise > least - 15
        assert output.rows == 16
        assert output.cosine == pytest.approx(1, abs=1e-3)


def test_products_alone_are_computed_in_8_bits(artifacts):
    with tfnative.load(artifacts["int8-dynamic"]) as model:
        (signature,) = model.manifest.signatures.values()
    assert signature.precision is not None
    computed = {each.shape: each.computed for each in signature.precision.layers}
    products = {SHAPES[name] for name in ("pointwise", "dense", "state", "heads")}
    assert {shape for shape, how in computed.items() if how == "int8"} == products
    assert {each.stored for each in signature.precision.layers} == {"int8"}


@pytest.mark.slow
def test_answers_are_those_of_rounded_rows(artifacts):
    """As near to float32's as steps of 1/255 of a row's range allow."""
    exact_of = module(values()).serve
    with (
        tfnative.load(artifacts["int8-dynamic"]) as model,
        tfnative.load(artifacts["int8-weights"]) as weights_alone,
    ):
        for rows in (1, 3, 4, 9):
            given = inputs(rows)
            got, exact = model.predict(given), exact_of(**given)
            wide = weights_alone.predict(given)
            for name in ("flat", "heads"):
                error = np.abs(got[name] - exact[name]).max()
                assert 1e-4 < error < 0.2 * np.abs(exact[name]).max()
                assert np.abs(got[name] - wide[name]).max() > 1e-5
            np.testing.assert_array_equal(got["found"], wide["found"])


@pytest.mark.slow
def test_what_is_not_finite_stays_in_its_row(artifacts):
    given = inputs(4)
    with tfnative.load(artifacts["int8-dynamic"]) as model:
        usual = model.predict(given)
        given["image"][2, 0, 0, 0] = np.nan
        odd = model.predict(given)
    assert np.isnan(odd["flat"][2]).all()
    kept = [0, 1, 3]
    np.testing.assert_array_equal(odd["flat"][kept], usual["flat"][kept])


@pytest.mark.slow
def test_a_batch_gives_each_row_what_it_gives_it_alone(artifacts):
    given = inputs(9)
    with tfnative.load(artifacts["int8-dynamic"]) as model:
        together = model.predict(given)
        for row in range(9):
            alone = model.predict({n: a[row : row + 1] for n, a in given.items()})
            for name, want in alone.items():
                # Convolutions of one row and of four may differ in the last bit.
                np.testing.assert_allclose(
                    together[name][row], want[0], rtol=0, atol=0.01
                )


def test_without_it_the_manifest_says_nothing(artifacts):
    with tfnative.load(artifacts["float32"]) as model:
        (signature,) = model.manifest.signatures.values()
    assert signature.precision is None
    assert "precision" not in model.manifest.options


def test_an_index_outside_of_a_small_table_is_refused(artifacts):
    for precision in PRECISIONS:
        with tfnative.load(artifacts[precision]) as model:
            given = inputs(2)
            given["ids"][1, 2] = 100
            with pytest.raises(InvalidArgumentError, match=r"\[1,2\] = 100"):
                model.predict(given)


def test_inspect_lists_layers_and_outputs(artifacts, capsys):
    assert cli.main(["inspect", str(artifacts["int8-weights"]), "--precision"]) == 0
    shown = capsys.readouterr().out
    assert "signature serving_default: int8-weights" in shown
    assert "(3, 3, 16, 32)" in shown
    assert "against the same model in float32" in shown
    assert (
        cli.main(["inspect", str(artifacts["int8-weights"]), "--precision", "--json"])
        == 0
    )
    content = json.loads(capsys.readouterr().out)
    assert len(content["serving_default"]["layers"]) == len(SHAPES)
    assert cli.main(["inspect", str(artifacts["float32"]), "--precision"]) == 0
    assert "float32, as in TensorFlow" in capsys.readouterr().out


@pytest.mark.slow
def test_what_does_not_fit_stays_and_is_named(tmp_path, capsys):
    import tensorflow as tf

    weights = np.random.default_rng(0).standard_normal((32, 64)).astype(np.float32)
    made = tf.Module()
    made.large, made.usual = tf.Variable(weights * 1e5), tf.Variable(weights)

    @tf.function(input_signature=[tf.TensorSpec([None, 32], tf.float32, name="x")])
    def serve(x: Any) -> Any:
        with tf.name_scope("large"):
            large = x @ made.large
        return {"y": large, "z": x @ made.usual}

    tf.saved_model.save(made, str(tmp_path / "model"), signatures=serve)
    command = ["compile", str(tmp_path / "model"), "-o", str(tmp_path / "net")]
    assert (
        cli.main([*command, "--precision", "float16-weights", "--cpu", "native"]) == 0
    )
    shown = capsys.readouterr().out
    assert "1 of 2 weights are stored as float16" in shown
    assert "large/matmul stays float32: float16 does not hold its largest" in shown


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["messages", "words", "both ends"])
def test_models_of_which_tensorflow_runs_parts(tmp_path, kind):
    """Compiling compares them, with rounded weights between the parts."""
    make = {
        "messages": export_baskets,
        "words": split.reviews,
        "both ends": tails.both,
    }[kind]
    artifact = tfnative.compile(
        *(make(tmp_path / "1"), tmp_path / "net"),
        precision="int8-weights",
        cpus=["native"],
        batch_sizes=(1, 4),
    )
    with tfnative.load(artifact) as model:
        signature = model.manifest.signatures["serving_default"]
        assert signature.precision is not None
        assert signature.fidelity
    report = tfnative.selftest(artifact)
    assert report.passed
    assert report.checks


def export_baskets(path: Path) -> Path:
    """tf.Example messages of ten numbers, and weights that are worth rounding."""
    import tensorflow as tf

    made = tf.Module()
    made.weights = tf.Variable(
        np.random.default_rng(0).standard_normal((10, 128)).astype(np.float32)
    )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: Any) -> Any:
        features = {"x": tf.io.FixedLenFeature([10], tf.float32)}
        return {"y": tf.io.parse_example(examples, features)["x"] @ made.weights}

    tf.saved_model.save(made, str(path), signatures=serve)
    return path


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("TFNATIVE_ALL_MACHINES", "") != "1",
    reason="compiles all kernels twice: TFNATIVE_ALL_MACHINES=1",
)
@pytest.mark.parametrize(
    ("target", "precision"),
    [("linux-aarch64", "int8-dynamic"), ("linux-armv7", "float16-weights")],
)
def test_other_machines_answer_as_tensorflow_does(saved, tmp_path, target, precision):
    require(target)
    artifact = tfnative.compile(
        *(saved, tmp_path / "net"),
        target=target,
        precision=precision,
        batch_sizes=(4,),
    )
    manifest = Manifest.from_json((artifact / "manifest.json").read_text())
    (signature,) = manifest.signatures.values()
    assert not signature.unverified_cpu_levels
    assert all(f.max_rel_error <= f.tolerance for f in signature.fidelity)
    assert tfnative.selftest(artifact).passed


@pytest.mark.slow
def test_what_no_kernel_reads_is_not_rounded(tmp_path):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    made = tf.Module()
    made.few = tf.Variable(rng.standard_normal((1100, 3)).astype(np.float32))
    made.many = tf.Variable(rng.standard_normal((5, 1100, 8)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 1100], tf.float32, name="x")])
    def serve(x: Any) -> Any:
        several = tf.matmul(tf.broadcast_to(x, [5, tf.shape(x)[0], 1100]), made.many)
        return {"y": x @ made.few, "z": tf.transpose(several, [1, 0, 2])}

    tf.saved_model.save(made, str(tmp_path / "model"), signatures=serve)
    artifact = tfnative.compile(
        *(tmp_path / "model", tmp_path / "net"),
        precision="int8-weights",
        cpus=["native"],
    )
    with tfnative.load(artifact) as model:
        precision = model.manifest.signatures["serving_default"].precision
        assert precision is not None
        assert {each.stored for each in precision.layers} == {"float32"}
        reasons = {each.shape: each.reason for each in precision.layers}
        assert "fewer than 4 output channels" in reasons[1100, 3]
        assert "several matrices" in reasons[5, 1100, 8]
        x = rng.standard_normal((3, 1100)).astype(np.float32)
        got = model.predict(x)
    expected = x.astype(np.float64) @ made.few.numpy().astype(np.float64)
    np.testing.assert_allclose(got["y"], expected, rtol=0, atol=1e-4)


def test_types_that_are_smaller_already_are_refused(tmp_path):
    import tensorflow as tf

    made = tf.Module()
    made.weights = tf.Variable(tf.ones([40, 40], tf.float16))

    @tf.function(input_signature=[tf.TensorSpec([None, 40], tf.float16, name="x")])
    def serve(x: Any) -> Any:
        return {"y": x @ made.weights}

    tf.saved_model.save(made, str(tmp_path / "model"), signatures=serve)
    with pytest.raises(
        CompileError, match=r"'x' is of type float16.*compile it without"
    ):
        tfnative.compile(
            tmp_path / "model", tmp_path / "net", precision="float16-weights"
        )
    assert not (tmp_path / "net").exists()
