# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Weights in eight bits are right to half a step, and never NaN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.conftest import Export
from tests.models import ZOO
from tfnative_aot.optimize.quantized_weights import restore_spoilt
from tfnative_aot.optimize.tool import Tool

RNG = np.random.default_rng(8)
CONSTANTS = {
    "both_signs": RNG.standard_normal(64),
    "positive": RNG.uniform(3, 4, 64),
    "negative": RNG.uniform(-9, -8, 64),
    "tiny": RNG.standard_normal(64) * 1e-20,
    "equal": np.full(64, 0.3),
    "zeros": np.zeros(64),
    "nan": np.where(np.arange(64) == 5, np.nan, 1.0) * RNG.standard_normal(64),
    "infinite": np.where(np.arange(64) == 5, np.inf, RNG.standard_normal(64)),
    "two": np.array([0.25, 0.5]),
    "one": np.array([0.25]),
    "scalar": np.array(0.25),
}
SPOILT = {"equal", "zeros", "nan", "infinite", "one", "scalar"}


@pytest.fixture(scope="module")
def tool() -> Any:
    with Tool() as tool:
        yield tool


def graph(value: Any) -> Any:
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 1], name="x")
        tf.add(x, tf.constant(value, tf.float32, name="c"), name="y")
    return graph.as_graph_def()


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_is_right_to_half_a_step_or_stays(name: str, tool: Tool):
    before = graph(CONSTANTS[name])
    after = tool.transform(before, ["x"], ["y"], "quantize_weights(minimum_size=1)")
    mended = restore_spoilt(before, after, ["x", "y"])
    ops = {node.name: node.op for node in mended.node}
    if name in SPOILT:
        assert set(ops) == {"x", "c", "y"}
        assert mended.node[0] in before.node
    with (
        tf.Graph().as_default() as loaded,
        tf.compat.v1.Session(graph=loaded) as session,
    ):
        tf.graph_util.import_graph_def(mended, name="")
        found = session.run("c:0")
    value = CONSTANTS[name].astype(np.float32)
    if name in SPOILT:
        np.testing.assert_array_equal(found, value)
    elif ops["c"] == "Dequantize":
        step = (max(value.max(), 0) - min(value.min(), 0)) / 255
        assert np.max(np.abs(found - value)) <= step / 2 * 1.02
    else:
        np.testing.assert_array_equal(found, value)


def test_bounds_and_steps_stay_exact(tool: Tool):
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 4], name="x")
        bounds = tf.constant([0.1, 0.7, 0.9, 1.1], name="bounds")
        tf.raw_ops.ClipByValue(
            t=x, clip_value_min=bounds - bounds, clip_value_max=bounds, name="y"
        )
    before = graph.as_graph_def()
    after = tool.transform(before, ["x"], ["y"], "quantize_weights(minimum_size=1)")
    mended = restore_spoilt(before, after, ["x", "y"])
    assert {n.name: n.op for n in mended.node}["bounds"] == "Const"


@pytest.mark.parametrize("minimum_size", [1, 16, 1024])
def test_a_quantized_network_has_no_nan(
    minimum_size: int, export: Export, tmp_path: Path
):
    done = tfnative.optimize(
        export(ZOO["digits_cnn"]),
        tmp_path / "small",
        transforms=f"fold_constants quantize_weights(minimum_size={minimum_size})",
        signatures=["serving_default"],
    )
    assert [step.applied for step in done.steps] == [True] * 3
    assert done.steps[-1].ops["Dequantize"] >= 2
    assert done.steps[-1].bytes < done.steps[1].bytes
    assert 0 < (done.steps[-1].max_error or 0) < 0.02
    assert (done.steps[-1].same_top1 or 0) > 0.9


def test_rounded_weights_compress_well(export: Export, tmp_path: Path):
    done = tfnative.optimize(
        export(ZOO["mlp"]), tmp_path / "small", transforms="round_weights(num_steps=64)"
    )
    assert done.steps[1].gzipped_bytes < done.steps[0].gzipped_bytes / 2


def test_quantized_nodes_run_in_tensorflow(export: Export, tmp_path: Path):
    done = tfnative.optimize(
        export(ZOO["digits_cnn"]),
        tmp_path / "small",
        transforms="fold_constants fold_batch_norms quantize_weights quantize_nodes",
        signatures=["serving_default"],
    )
    assert [step.applied for step in done.steps] == [True] * 5
    assert done.steps[-1].ops["QuantizedConv2D"]
    image = np.zeros((1, 8, 8, 1), np.float32)
    with tfnative.load(done.output, backend="tensorflow") as model:
        assert np.isfinite(model.predict(image)).all()


def test_ranges_are_those_of_the_representative_data(export: Export, tmp_path: Path):
    images = np.random.default_rng(1).standard_normal((64, 8, 8, 1)) * 3
    done = tfnative.optimize(
        export(ZOO["digits_cnn"]),
        tmp_path / "small",
        transforms="fold_constants fold_batch_norms quantize_weights quantize_nodes "
        "freeze_requantization_ranges",
        signatures=["serving_default"],
        representative_data={"image": images.astype(np.float32)},
        max_error=0.2,
    )
    quantized, frozen = done.steps[-2:]
    assert frozen.applied, frozen.reason
    assert quantized.ops["RequantizationRange"]
    assert "RequantizationRange" not in frozen.ops
    assert frozen.ops["Const"] > quantized.ops["Const"]
    assert (frozen.total_error or 0) < 0.2
