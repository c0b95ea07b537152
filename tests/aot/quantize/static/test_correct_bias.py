# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Means of a layer's results become right again, and only these."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.aot.quantize.static.graphs import frozen, weights
from tests.aot.quantize.static.samples import Floats, Sampled, normal
from tests.aot.quantize.static.test_build import LAYERS, decibels, run
from tfnative_aot.freeze.quantized import Window
from tfnative_aot.quantize.static.build import build, quantizations_of
from tfnative_aot.quantize.static.correct_bias import with_corrected_biases
from tfnative_aot.quantize.static.patches import mean_patch, product_of


def biased(seed: int, *shape: int) -> Floats:
    """Inputs far from 0."""
    return normal(seed, *shape) * np.float32(0.2) + np.float32(3)


def corrected(of: Sampled, samples: int | None = None) -> Any:
    data = replace(of.data, samples=of.data.samples[:samples])
    places = quantizations_of(of.view, of.steps, of.ranges)
    return with_corrected_biases(of.view, of.steps, places, of.run, data)


def answers(of: Sampled, steps: Any, x: Floats) -> Floats:
    made = build(of.graph.graph_def, of.view, steps, of.ranges)
    (found,) = run(made.graph_def, [of.graph.outputs[0].tensor], x)
    return found


def dense_net() -> Any:
    import tensorflow as tf

    def net(x: Any) -> Any:
        a = tf.nn.relu(x @ weights(48, 64))
        return tf.nn.relu(a @ weights(64, 32)) @ weights(32, 8)

    return frozen(net, None, 48)


def test_inputs_far_from_zero_cost_less():
    of = Sampled(dense_net(), biased(1, 80, 48))
    unseen = biased(2, 200, 48)
    (exact,) = run(of.graph.graph_def, [of.graph.outputs[0].tensor], unseen)
    before = answers(of, of.steps, unseen)
    after = answers(of, corrected(of), unseen)
    print(f"{decibels(exact, before):.1f} dB, then {decibels(exact, after):.1f} dB")
    assert decibels(exact, after) > decibels(exact, before) + 3
    moved = np.abs((before - exact).mean(0)).max()
    assert np.abs((after - exact).mean(0)).max() < moved / 2


@pytest.mark.parametrize("name", ["strided", "dilated", "grouped", "depthwise"])
def test_means_of_any_window_are_right(name: str):
    import tensorflow as tf

    graph = frozen(lambda x: LAYERS[name](tf, x), None, 8, 7, 4)
    of = Sampled(graph, biased(1, 24, 8, 7, 4))
    (exact,) = run(graph.graph_def, [graph.outputs[0].tensor], of.x)
    moved = [
        np.abs((answers(of, steps, of.x) - exact).mean((0, 1, 2))).max()
        for steps in (of.steps, corrected(of))
    ]
    assert moved[1] < moved[0] / 10


def test_rows_within_rows_are_rows():
    def net(x: Any) -> Any:
        import tensorflow as tf

        return tf.reshape(tf.reshape(x, [-1, 12]) @ weights(12, 5), [-1, 4, 5])

    of = Sampled(frozen(net, None, 4, 12), biased(1, 24, 4, 12))
    (exact,) = run(of.graph.graph_def, [of.graph.outputs[0].tensor], of.x)
    moved = [
        np.abs((answers(of, steps, of.x) - exact).mean((0, 1))).max()
        for steps in (of.steps, corrected(of))
    ]
    assert moved[1] < moved[0] / 10


def test_one_sample_corrects_nothing():
    of = Sampled(dense_net(), biased(1, 8, 48))
    assert list(corrected(of, 1)) == list(of.steps)


def test_a_mean_that_two_halves_do_not_agree_about_stays():
    of = Sampled(dense_net(), biased(1, 2, 48))
    x = np.stack([of.x[0], -of.x[0]])
    opposite = Sampled(of.graph, x)
    first, *_ = corrected(opposite)
    assert first is opposite.steps[0]


def test_a_mean_patch_gives_what_the_mean_of_a_convolution_is():
    import tensorflow as tf

    window = Window(
        (1, 7, 6), (1, 4, 3), (1, 3, 2), (1, 2, 2), (0, 1, 0), dilation=(1, 1, 2)
    )
    image, kernel = normal(3, 7, 6, 4), weights(3, 2, 2, 6)
    padded = np.pad(image, [(1, 1), (0, 1), (0, 0)])[np.newaxis]
    parts = [
        tf.nn.conv2d(a, b, 1, "VALID", dilations=(1, 2))[:, ::2, ::2]
        for a, b in zip(np.split(padded, 2, 3), np.split(kernel, 2, 3), strict=True)
    ]
    expected = np.concatenate([np.asarray(part) for part in parts], 3)
    assert expected.shape[1:3] == (4, 3)
    found = product_of(mean_patch(image.astype(np.float64), window), kernel, 2)
    np.testing.assert_allclose(found, expected.mean((0, 1, 2)), rtol=1e-4, atol=1e-5)
