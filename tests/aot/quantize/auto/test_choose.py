# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers go back to float32 until a budget holds, the sensitive one first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.aot.quantize.auto.blobs import (
    LAYERS,
    SENSITIVE,
    prepared,
    samples,
    workshop,
)
from tfnative.errors import InvalidArgumentError
from tfnative.manifest import PrecisionChoice
from tfnative_aot.progress import Silent
from tfnative_aot.quantize.auto.choose import with_chosen_layers
from tfnative_aot.quantize.auto.held_out import PLAIN, part
from tfnative_aot.quantize.calibrate import observe
from tfnative_aot.quantize.calibrate.data import read_calibration
from tfnative_aot.quantize.calibrate.methods import METHODS, find_range
from tfnative_aot.split.divide import Prepared

X, LABELS = samples(400)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return prepared(tmp_path_factory.mktemp("blobs"))


def chosen(model: Any, folder: Any, **options: Any) -> Prepared:
    loaded, each = model
    given = {"calibration": {"x": X}, **options}
    shop = workshop(loaded, folder, **given)
    return with_chosen_layers(shop.entry(each), shop, (), Silent())


def choice_of(made: Prepared) -> PrecisionChoice:
    assert made.choice is not None
    return made.choice


def stored(made: Prepared) -> dict[str, str]:
    return {layer.node: layer.stored for layer in made.layers}


@pytest.fixture(scope="module")
def by_labels(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """With a point less at most, of one hundred."""
    folder = tmp_path_factory.mktemp("by_labels")
    return chosen(model, folder, labels=LABELS, max_accuracy_drop="1%")


def test_the_sensitive_layer_goes_to_float16_first_and_then_the_budget_holds(by_labels):
    choice = choice_of(by_labels)
    assert [point.returned for point in choice.points] == ["", SENSITIVE]
    assert choice.points[-1].to == "float16"
    assert by_labels.small == "f16"
    assert [point.holds for point in choice.points] == [False, True]
    kinds = {"first": "int8", SENSITIVE: "float16", "third": "int8"}
    assert stored(by_labels) == kinds
    (kept,) = [layer for layer in by_labels.layers if layer.node == SENSITIVE]
    assert "dB alone" in kept.reason
    assert (choice.range_samples, choice.judged_samples) == (200, 200)
    assert choice.held_out
    first, last = (point.accuracy for point in choice.points)
    assert choice.float32_accuracy - last <= 0.01 < choice.float32_accuracy - first
    assert choice.points[0].time < choice.points[1].time < choice.float32_time


def test_the_accuracy_is_that_of_the_samples_that_were_held_out(model, by_labels):
    _, each = model
    data = read_calibration({"x": X}, each.graph.inputs, samples=1300)
    held = list(part(data, 300, 1000).judged.places)
    name, choice = each.graph.signature, choice_of(by_labels)
    for of, found in (
        (each.model, choice.float32_accuracy),
        (by_labels.model, choice.points[-1].accuracy),
    ):
        scores = of.run(name, {"x": X[held]})["scores"]
        assert found == np.mean(scores.argmax(axis=1) == LABELS[held])


def test_a_budget_that_holds_with_all_layers_in_8_bits_keeps_all(model, tmp_path):
    made = chosen(model, tmp_path, labels=LABELS, max_accuracy_drop=100)
    assert set(stored(made).values()) == {"int8"}
    (point,) = choice_of(made).points
    assert (point.returned, point.layers, point.holds) == ("", 3, True)


def test_a_budget_that_only_float32_holds_gives_all_back(model, tmp_path):
    made = chosen(model, tmp_path, min_signal_to_noise=200)
    assert stored(made) == dict.fromkeys(LAYERS, "float32")
    last = choice_of(made).points[-1]
    assert (last.layers, last.signal_to_noise, last.holds) == (0, None, True)
    assert last.time == choice_of(made).float32_time
    assert all(layer.reason for layer in made.layers)
    found = made.model.run(made.graph.signature, {"x": X})["scores"]
    expected = model[1].model.run(made.graph.signature, {"x": X})["scores"]
    np.testing.assert_array_equal(found, expected)


def test_without_labels_the_error_of_outputs_is_bounded(model, tmp_path):
    least = 30
    made = chosen(model, tmp_path)
    choice = choice_of(made)
    assert choice.budget == "signal_to_noise"
    assert choice.points[-1].signal_to_noise >= least
    assert all(point.signal_to_noise < least for point in choice.points[:-1])
    assert choice.points[1].returned == SENSITIVE
    assert all(point.accuracy is None for point in choice.points)


def test_samples_run_once_for_all_ranges(model, tmp_path, monkeypatch):
    asked = []
    run = observe.collect

    def counted(*arguments: Any) -> Any:
        asked.append(arguments)
        return run(*arguments)

    monkeypatch.setattr(observe, "collect", counted)
    chosen(model, tmp_path, min_signal_to_noise=200)
    assert len(asked) == 1


def test_few_samples_serve_both_and_it_is_said(model, tmp_path):
    loaded, each = model
    shop = workshop(loaded, tmp_path, calibration={"x": X[:9]}, labels=LABELS[:9])
    choice = choice_of(with_chosen_layers(shop.entry(each), shop, (), Silent()))
    assert (choice.range_samples, choice.judged_samples) == (9, 9)
    assert not choice.held_out


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (LABELS[:-1], "399 labels for 400 samples"),
        (LABELS + 1, "6 is none of the 6 classes of output 'scores'"),
        (LABELS - 1, "-1 is none of the 6 classes"),
        (LABELS.astype(float), "expected a whole number for each sample"),
        (LABELS[:, None], r"got int64 \[400, 1\]"),
    ],
    ids=["few", "above", "below", "floats", "columns"],
)
def test_labels_that_do_not_fit_are_refused(model, tmp_path, labels, said):
    with pytest.raises(InvalidArgumentError, match=said):
        chosen(model, tmp_path, labels=labels)


def test_of_several_outputs_one_has_to_be_named(tmp_path):
    model = prepared(tmp_path, outputs=2)
    with pytest.raises(InvalidArgumentError, match=r"has 2 outputs .*--labels-output"):
        chosen(model, tmp_path, labels=LABELS)
    with pytest.raises(InvalidArgumentError, match=r"--labels-output 'x': .* no such"):
        chosen(model, tmp_path, labels=LABELS, labels_output="x")
    made = chosen(model, tmp_path, labels=LABELS, labels_output="others1")
    assert choice_of(made).points[1].returned == SENSITIVE


def test_a_layer_that_reads_what_is_not_finite_stays_and_says_why(tmp_path):
    import tensorflow as tf

    from tfnative_aot.load.load_model import load_model
    from tfnative_aot.split.divide import prepare

    weights = np.random.default_rng(0).standard_normal((24, 8)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (None, 24), "x")
        logs = tf.math.log(tf.matmul(x, weights, name="first"))
        finite = tf.where(tf.math.is_finite(logs), logs, tf.zeros_like(logs))
        tf.matmul(logs, weights[:8, :4], name="second")
        both = tf.concat([tf.matmul(finite, weights[8:16, :4]), x], 1)
        tf.identity(both, "scores")
    path = tmp_path / "logs.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    ends = {"scores": "scores:0", "others": "second:0"}
    loaded = load_model(path, tags=("serve",), inputs={"x": "x:0"}, outputs=ends)
    each = prepare(loaded, next(iter(loaded.signatures)), None)
    made = chosen((loaded, each), tmp_path, min_signal_to_noise=5)
    reasons = {layer.node: layer.reason for layer in made.layers}
    assert "not finite" in reasons["second"]
    assert stored(made)["second"] == "float32"


@pytest.mark.parametrize("method", METHODS)
def test_ranges_are_found_in_the_way_that_was_asked_for(model, tmp_path, method):
    skewed = X.copy()
    skewed[::50] *= 6
    made = chosen(
        *(model, tmp_path),
        calibration={"x": skewed},
        calibration_method=method,
        min_signal_to_noise=0,
    )
    _, of = model
    data = read_calibration({"x": skewed}, of.graph.inputs, samples=300 + PLAIN)
    ranges = part(data, 300, PLAIN).ranges
    name = of.graph.inputs[0].tensor
    (seen,) = observe.observe(of.graph.graph_def, {"x": name}, [name], ranges).values()
    expected = find_range(seen, method)
    first = next(layer for layer in made.layers if layer.node == "first")
    assert first.input_range == (expected.low, expected.high)


def test_errors_are_of_the_samples(model, tmp_path):
    made = chosen(model, tmp_path, min_signal_to_noise=0)
    assert made.samples is not None
    counts = {
        name: sum(len(chunk["x"]) for chunk in chunks)
        for name, chunks in made.samples.items()
    }
    assert counts == {"calibration": 200, "held out": 200}
