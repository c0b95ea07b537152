# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Channels are made alike, and the function of floats stays what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.aot.quantize.static.graphs import frozen, weights
from tests.aot.quantize.static.samples import Floats, Sampled, normal
from tests.aot.quantize.static.test_build import decibels, run
from tfnative_aot.quantize.calibrate.observed import Range
from tfnative_aot.quantize.static.build import build
from tfnative_aot.quantize.static.channels import (
    ChannelSizes,
    channel_sizes,
    divided_run,
)
from tfnative_aot.quantize.static.equalize import (
    Equalized,
    Pair,
    best_factors,
    equalize,
    find_pairs,
    noise,
)
from tfnative_aot.quantize.static.plan import Clamp, Step


def unequal(channels: int) -> Floats:
    """Factors of channels, the least a hundredth of the largest."""
    return np.geomspace(0.01, 1, channels).astype(np.float32)


def depthwise_net(bounded: bool = False) -> Any:
    """Three layers whose channels have very different ranges."""
    import tensorflow as tf

    bound = tf.nn.relu6 if bounded else tf.nn.relu
    own = unequal(16)
    last = weights(1, 1, 16, 6) / own[:, np.newaxis]

    def net(x: Any) -> Any:
        a = bound(tf.nn.conv2d(x, weights(1, 1, 4, 16) * own, 1, "SAME") + 0.1 * own)
        b = tf.nn.depthwise_conv2d(a, weights(3, 3, 16, 1), [1, 1, 1, 1], "SAME")
        return tf.nn.conv2d(bound(b), last, 1, "SAME")

    return frozen(net, None, 6, 6, 4)


def equalized(of: Sampled) -> Equalized:
    channels = {
        pair.first.output: pair.first.weights.shape[3]
        for pair in find_pairs(of.view, of.steps)
        if pair.first.weights is not None
    }
    return equalize(of.view, of.steps, channel_sizes(of.run, channels, of.data))


def in_8_bits(of: Sampled, made: Equalized | None, x: Floats) -> Floats:
    steps, ranges = of.steps, dict(of.ranges)
    if made is not None:
        steps = made.steps
        names = list(made.factors)
        found = divided_run(of.run, made.factors)(
            {"x": of.x}, [f"{name}:0" for name in names]
        )
        for name, array in zip(names, found, strict=True):
            ranges[name] = Range(min(float(array.min()), 0.0), float(array.max()))
    graph = build(of.graph.graph_def, of.view, steps, ranges).graph_def
    (answer,) = run(graph, [of.graph.outputs[0].tensor], x)
    return answer


@pytest.mark.parametrize("bounded", [False, True])
def test_channels_of_very_different_ranges_become_more_exact(bounded: bool):
    of = Sampled(depthwise_net(bounded), normal(1, 60, 6, 6, 4))
    made = equalized(of)
    assert len(made.factors) == 2
    unseen = normal(2, 40, 6, 6, 4)
    (exact,) = run(of.graph.graph_def, [of.graph.outputs[0].tensor], unseen)
    before = decibels(exact, in_8_bits(of, None, unseen))
    after = decibels(exact, in_8_bits(of, made, unseen))
    print(f"{before:.1f} dB before, {after:.1f} dB after")
    assert after > before + 6


def test_channels_that_are_alike_stay():
    import tensorflow as tf

    def net(x: Any) -> Any:
        return tf.nn.relu(x @ np.eye(16, dtype=np.float32)) @ weights(16, 16)

    of = Sampled(frozen(net, None, 16), normal(1, 60, 16))
    assert not equalized(of).factors


def floats_of(step: Step, x: Floats) -> Floats:
    """What a product of one place gives."""
    assert step.weights is not None
    parts = np.split(x, step.groups, axis=1)
    kernels = np.split(step.weights[0, 0], step.groups, axis=1)
    found = np.concatenate([a @ b for a, b in zip(parts, kernels, strict=True)], 1)
    return np.clip(found + step.bias, step.clamp.low, step.clamp.high)


@settings(max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 8]),
    st.sampled_from([np.inf, 6.0, 1.0]),
    st.sampled_from([0.0, -np.inf]),
    st.floats(0, 6),
)
def test_any_pair_computes_the_same_in_floats(
    seed: int, groups: int, high: float, low: float, spread: float
):
    own = np.float32(10) ** np.random.default_rng(seed).uniform(-spread, 0, 8)
    of = _a_pair()
    first, second = of.steps
    first = replace(
        first,
        weights=(normal(seed, 1, 1, 4, 8) * own).astype(np.float32),
        bias=(normal(seed + 1, 8) * own).astype(np.float32),
        clamp=Clamp(low, high),
    )
    second = replace(second, weights=normal(seed, 1, 1, 8 // groups, 8), groups=groups)
    x = normal(seed + 2, 50, 4)
    given = floats_of(first, x)
    sizes = ChannelSizes(
        given.min(0).astype(np.float64),
        given.max(0).astype(np.float64),
        np.square(given, dtype=np.float64).mean(0),
    )
    made = equalize(of.view, [first, second], {first.output: sizes})
    exact, found = floats_of(second, given), x
    for step in made.steps:
        found = floats_of(step, found)
    size = np.abs(given) @ np.abs(np.ones((8, 1), np.float32)) * 4 + 1e-30
    assert (np.abs(found - exact) / size).max() < 1e-5
    best = made.factors.get(first.output)
    if best is not None:
        assert noise(second, sizes, best) < noise(second, sizes, np.ones(8))
        assert high == np.inf or best.max() <= 1


def _a_pair() -> Sampled:
    if not _PAIR:
        import tensorflow as tf

        graph = frozen(lambda x: tf.nn.relu(x @ weights(4, 8)) @ weights(8, 8), None, 4)
        _PAIR.append(Sampled(graph, normal(0, 4, 4)))
    return _PAIR[0]


_PAIR: list[Sampled] = []


def test_a_channel_that_reaches_its_bound_keeps_all_of_it():
    of = _a_pair()
    first, second = of.steps
    first = replace(first, clamp=Clamp(0, 6))
    highest = np.array([6, 5, 3, 0.5, 0.1, 0.1, 0.05, 0])
    sizes = ChannelSizes(np.zeros(8), highest, np.square(highest / 3))
    factors = best_factors(Pair(first, second), sizes)
    assert factors is not None
    assert factors[0] == 1
    assert factors[1] == 1, "other inputs may come nearer to the bound"
    assert (6 * factors >= highest * 1.25 - 1e-9)[2:].all()
    assert factors[3] < 0.5


def test_samples_that_are_not_finite_change_nothing():
    of = _a_pair()
    bad = np.full(8, np.inf)
    assert best_factors(Pair(*of.steps), ChannelSizes(-bad, bad, bad)) is None


@pytest.mark.parametrize(
    ("reason", "count"),
    [("nothing", 1), ("two readers", 0), ("an output", 0), ("a table", 0), ("sum", 0)],
)
def test_what_is_read_otherwise_stays(reason: str, count: int):
    import tensorflow as tf

    def net(x: Any) -> Any:
        a = x @ weights(4, 8)
        if reason == "two readers":
            return tf.concat([a @ weights(8, 8), tf.sin(a @ weights(8, 4))], 1)
        if reason == "an output":
            return tf.concat([a, a @ weights(8, 8)], 1)
        if reason == "a table":
            a = tf.tanh(a)
        if reason == "sum":
            a = tf.nn.relu(a + tf.nn.tanh(x @ weights(4, 8)))
        return a @ weights(8, 8)

    of = Sampled(frozen(net, None, 4), normal(0, 4, 4))
    assert len(of.steps) > 1
    assert len(list(find_pairs(of.view, of.steps))) == count


def test_a_window_over_flat_rows_is_scaled_where_it_belongs():
    import tensorflow as tf

    own = unequal(8)

    def net(x: Any) -> Any:
        a = tf.nn.relu(tf.nn.conv2d(x, weights(1, 1, 4, 8) * own, 1, "SAME"))
        return tf.reshape(a, [-1, 72]) @ (
            weights(72, 5) / np.tile(own, 9)[:, np.newaxis]
        )

    of = Sampled(frozen(net, None, 3, 3, 4), normal(1, 60, 3, 3, 4))
    made = equalized(of)
    assert len(made.factors) == 1
    (exact,) = run(of.graph.graph_def, [of.graph.outputs[0].tensor], of.x)
    before = decibels(exact, in_8_bits(of, None, of.x))
    assert decibels(exact, in_8_bits(of, made, of.x)) > before + 6
