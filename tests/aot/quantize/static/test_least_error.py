# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Of several graphs in 8 bits, the one with the least error on samples is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.aot.quantize.static.graphs import frozen, weights
from tests.aot.quantize.static.samples import Sampled, normal
from tests.aot.quantize.static.test_build import decibels, run
from tests.aot.quantize.static.test_correct_bias import biased, dense_net
from tests.aot.quantize.static.test_equalize import depthwise_net
from tfnative_aot.quantize.static import least_error
from tfnative_aot.quantize.static.build import build
from tfnative_aot.quantize.static.least_error import InFloats, with_least_error


def chosen(of: Sampled) -> Any:
    return with_least_error(
        InFloats(of.graph, of.view, of.data, "min-max"), of.steps, of.ranges
    )


@pytest.mark.parametrize("name", ["dense", "depthwise"])
def test_what_is_taken_is_nearer_to_floats(name: str):
    if name == "dense":
        of, unseen = Sampled(dense_net(), biased(1, 80, 48)), biased(2, 100, 48)
    else:
        of = Sampled(depthwise_net(), normal(1, 60, 6, 6, 4))
        unseen = normal(2, 40, 6, 6, 4)
    output = [of.graph.outputs[0].tensor]
    plain = build(of.graph.graph_def, of.view, of.steps, of.ranges)
    (exact,) = run(of.graph.graph_def, output, unseen)
    before = decibels(exact, run(plain.graph_def, output, unseen)[0])
    after = decibels(exact, run(chosen(of).made.graph_def, output, unseen)[0])
    print(f"{name}: {before:.1f} dB before, {after:.1f} dB after")
    assert after > before + 2


def test_what_does_harm_is_not_taken(monkeypatch: pytest.MonkeyPatch):
    def worse(view: Any, steps: Any, *others: Any) -> Any:
        return [
            step if step.bias is None else replace(step, bias=step.bias + 1)
            for step in steps
        ]

    monkeypatch.setattr(least_error, "with_corrected_biases", worse)
    of = Sampled(dense_net(), biased(1, 24, 48))
    assert chosen(of).steps is of.steps


def test_a_graph_without_products_is_as_it_was():
    of = Sampled(frozen(lambda x: x * 2.0, None, 4), normal(1, 24, 4))
    assert not chosen(of).steps


def test_answers_that_are_not_finite_do_not_decide():
    import tensorflow as tf

    def net(x: Any) -> Any:
        return tf.math.log(tf.maximum(x @ weights(4, 6) - 1, 0))

    found = chosen(Sampled(frozen(net, None, 4), normal(1, 24, 4)))
    assert found.steps
    assert np.isfinite([r.high for r in found.ranges.values()]).all()
