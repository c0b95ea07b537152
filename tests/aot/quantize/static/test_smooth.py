# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What floats are before products is divided where a few channels are too large."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.aot.quantize.static.graphs import frozen, weights
from tests.aot.quantize.static.samples import Floats, Sampled, normal
from tests.aot.quantize.static.test_build import decibels, run
from tfnative_aot.quantize.static.build import build
from tfnative_aot.quantize.static.channels import channel_sizes
from tfnative_aot.quantize.static.least_error import Choice, InFloats, with_least_error
from tfnative_aot.quantize.static.smooth import (
    Smoothed,
    channels_of,
    find_readers,
    smooth,
    trailing,
)

PLACES, WIDTH = 6, 32


def outliers(most: float) -> Floats:
    """What channels of a normalization are multiplied with: three are large."""
    found = np.ones(WIDTH, np.float32)
    found[[3, 11, 30]] = most
    return found


def matrix(rows: int, columns: int, seed: int) -> Floats:
    return normal(seed, rows, columns) / np.float32(np.sqrt(rows))


def block(most: float) -> Any:
    """Two products behind a layer normalization, beside a sum that reads it, too."""
    import tensorflow as tf

    scale = outliers(most)

    def net(x: Any) -> Any:
        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        normal = (x - mean) * tf.math.rsqrt(variance + 1e-3) * scale + 0.1
        a, b = (normal @ (matrix(WIDTH, WIDTH, n) / scale[:, None]) for n in (1, 2))
        hidden = tf.nn.softmax(a) * b
        whole = hidden @ matrix(WIDTH, WIDTH, 3) + normal
        return whole @ (matrix(WIDTH, 5, 4) / scale[:, None])

    return net


def smoothed(of: Sampled) -> Smoothed:
    readers = find_readers(of.view, of.steps)
    channels = {name: channels_of(own[0]) for name, own in readers.items()}
    return smooth(of.view, of.steps, channel_sizes(of.run, channels, of.data))


def chosen(of: Sampled) -> Choice:
    return with_least_error(
        InFloats(of.graph, of.view, of.data, "min-max"), of.steps, of.ranges
    )


def test_outliers_behind_a_normalization_become_more_exact():
    of = Sampled(frozen(block(60), None, PLACES, WIDTH), normal(1, 80, PLACES, WIDTH))
    made = chosen(of)
    divided = [step for step in made.steps if step.factors is not None]
    first = divided[0].factors
    assert [step.factors is first for step in divided[:2]] == [True, True]
    assert first is not None
    assert first.max() == 1.0
    unseen, output = normal(2, 60, PLACES, WIDTH), [of.graph.outputs[0].tensor]
    (exact,) = run(of.graph.graph_def, output, unseen)
    (found,) = run(made.made.graph_def, output, unseen)
    plain = build(of.graph.graph_def, of.view, of.steps, of.ranges)
    (before,) = run(plain.graph_def, output, unseen)
    print(f"{decibels(exact, before):.1f} dB, then {decibels(exact, found):.1f} dB")
    assert decibels(exact, found) > decibels(exact, before) + 6


def test_channels_that_are_alike_are_not_divided():
    of = Sampled(frozen(block(1), None, PLACES, WIDTH), normal(1, 80, PLACES, WIDTH))
    first = of.view.source(of.steps[0].inputs[0])
    assert first in find_readers(of.view, of.steps)
    assert first not in smoothed(of).factors


def test_what_a_step_gives_is_not_divided():
    import tensorflow as tf

    def net(x: Any) -> Any:
        return tf.nn.relu(x @ weights(8, 16)) @ weights(16, 4)

    of = Sampled(frozen(net, None, 8), normal(1, 40, 8))
    first, second = of.steps
    (readers,) = find_readers(of.view, of.steps).values()
    assert list(readers) == [first]
    assert second not in readers


@pytest.mark.parametrize(
    ("sizes", "channels", "found"),
    [
        ((8, 6, 32), 32, (32,)),
        ((8, 6, 4, 8), 32, (4, 8)),
        ((8, 32), 16, None),
        ((32,), 32, None),
    ],
)
def test_channels_are_the_last_sizes(sizes, channels, found):
    assert trailing(sizes, channels) == found


@pytest.mark.slow
def test_compiled_models_divide_as_the_reference_does(tmp_path: Path):
    """An input with features of very different sizes, and a product of images."""
    tf = pytest.importorskip("tensorflow")
    sizes = np.geomspace(0.01, 100, 24).astype(np.float32)
    module = tf.Module()

    def call(x: Any, image: Any) -> Any:
        hidden = tf.nn.relu(x @ (matrix(24, 32, 1) / sizes[:, None]))
        kernel = normal(5, 3, 3, 4, 8) / sizes[::6][:, None]
        pixels = tf.nn.relu(tf.nn.conv2d(image, kernel, 2, "SAME"))
        parts = [hidden @ matrix(32, 6, 2), tf.reduce_mean(pixels, [1, 2])]
        return {"y": tf.concat(parts, 1)}

    module.call = tf.function(
        call,
        input_signature=[
            tf.TensorSpec((None, 24), tf.float32, "x"),
            tf.TensorSpec((None, 7, 5, 4), tf.float32, "image"),
        ],
    )
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=module.call)
    given = {
        "x": normal(3, 100, 24) * sizes,
        "image": normal(4, 100, 7, 5, 4) * sizes[::6],
    }
    artifact = tfnative.compile(
        *(tmp_path / "saved", tmp_path / "net"),
        cpus=["native"],
        precision="int8",
        calibration=given,
    )
    with tfnative.load(artifact) as model:
        signature = model.manifest.signatures["serving_default"]
    assert {each.max_abs_error for each in signature.fidelity} == {0.0}
    precision = signature.precision
    assert precision is not None
    ends = {layer.op: layer.input_range for layer in precision.layers}
    assert ends["Conv2D"] is not None
    for each in precision.outputs:
        assert each.signal_to_noise is not None
        assert each.signal_to_noise > 30
