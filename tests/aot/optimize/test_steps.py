# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Every transform that there is runs, and the tool's faults are mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.conftest import Export
from tests.models import ZOO
from tfnative._optimize.catalog import CATALOG
from tfnative_aot.optimize.controls import without_idle_controls
from tfnative_aot.optimize.folding import read_constants, restore_grown
from tfnative_aot.optimize.tool import Tool

PARAMETERS = {
    "insert_logging": "(op=Softmax, message=hello)",
    "remove_attribute": "(attribute_name=_xla, op_name=*)",
    "remove_nodes": "(op=Identity)",
    "rename_attribute": "(old_attribute_name=_a, new_attribute_name=_b, op_name=*)",
    "rename_node": "(old_node_name=nothing, new_node_name=something)",
    "rename_op": "(old_op_name=NoSuchOp, new_op_name=Relu)",
    "set_device": "(device=/cpu:0)",
}


def test_every_transform_runs_on_a_small_network(export: Export, tmp_path: Path):
    last = ["quantize_nodes", "freeze_requantization_ranges"]
    others = [name for name in CATALOG if name not in last]
    steps = [f"{name}{PARAMETERS.get(name, '')}" for name in (*others, *last)]
    done = tfnative.optimize(
        export(ZOO["digits_cnn"]),
        tmp_path / "small",
        transforms=steps,
        signatures=["serving_default"],
    )
    left_out = {step.transform: step.reason for step in done.steps if not step.applied}
    assert left_out == {}
    assert (done.steps[-1].total_error or 0) < 0.05


@pytest.mark.parametrize("first", ["", "remove_nodes(op=Identity)"])
def test_folding_constants_does_not_copy_weights(
    first: str, export: Export, tmp_path: Path
):
    done = tfnative.optimize(
        export(ZOO["conv2d_strided"]),
        tmp_path / "small",
        transforms=f"{first} fold_constants fold_batch_norms fold_old_batch_norms",
    )
    sizes = [step.bytes for step in done.steps]
    assert sizes == sorted(sizes, reverse=True)
    assert not {"Rsqrt", "Sub"} & done.steps[-1].ops.keys()


def test_fused_batch_norms_of_every_version_are_folded(tmp_path: Path):
    rng = np.random.default_rng(2)

    def values(*shape: int) -> Any:
        return tf.constant(rng.uniform(0.5, 1.5, shape), tf.float32)

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 6, 6, 3], name="x")
        y = x
        for version in ("", "V2", "V3"):
            y = tf.nn.conv2d(y, values(3, 3, 3, 3), 1, "SAME")
            norm = getattr(tf.raw_ops, f"FusedBatchNorm{version}")
            y = norm(
                x=y,
                scale=values(3),
                offset=values(3),
                mean=values(3),
                variance=values(3),
                is_training=False,
            ).y
        tf.identity(y, name="y")
    path = tmp_path / "net.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    done = tfnative.optimize(
        path,
        tmp_path / "small",
        transforms="remove_nodes(op=Identity) fold_old_batch_norms",
        inputs=["x"],
        outputs=["y"],
    )
    assert done.steps[-1].applied
    assert done.steps[-1].ops.keys() == {
        "BiasAdd",
        "Const",
        "Conv2D",
        "Identity",
        "Placeholder",
    }
    assert (done.steps[-1].max_error or 0) < 1e-6


def test_a_scale_that_cannot_be_folded_hinders_no_other(tmp_path: Path):
    rng = np.random.default_rng(2)

    def values(*shape: int) -> Any:
        return tf.constant(rng.uniform(0.5, 1.5, shape), tf.float32)

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 6, 6, 3], name="x")
        y = x
        # By channel, in all the shapes that this has, and for all of them.
        for shape in ((3,), (1, 1, 1, 3), (1, 1, 3), ()):
            y = tf.nn.conv2d(y, values(3, 3, 3, 3), 1, "SAME") * values(*shape)
        # By place, and by place and channel.
        for shape in ((6, 6, 1), (1, 6, 6, 3)):
            y = tf.nn.conv2d(y, values(3, 3, 3, 3), 1, "SAME") * values(*shape)
        tf.identity(y, name="y")
    path = tmp_path / "net.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    (_, done) = tfnative.optimize(
        path,
        tmp_path / "small",
        transforms="fold_batch_norms",
        inputs=["x"],
        outputs=["y"],
    ).steps
    assert (done.applied, done.reason) == (True, "")
    assert (done.ops["Conv2D"], done.ops["Mul"]) == (6, 2)
    assert "BiasAdd" not in done.ops
    assert (done.max_error or 0) < 1e-6


def test_large_constants_that_follow_from_small_ones_are_not_written():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 100], name="x")
        table = tf.tile(tf.range(10.0)[:, None], [100, 100], name="table")
        tf.matmul(x, table[:100] + 1.0, name="y")
    before = graph.as_graph_def()
    with Tool() as tool:
        after = tool.transform(before, ["x"], ["y"], "fold_constants")
    assert after.ByteSize() > 40_000
    mended = restore_grown(before, after)
    assert mended.ByteSize() < 2 * before.ByteSize()
    x = np.random.default_rng(2).standard_normal((3, 100)).astype(np.float32)
    np.testing.assert_array_equal(run(mended, x), run(before, x))


def run(graph_def: Any, x: Any) -> Any:
    with (
        tf.Graph().as_default() as graph,
        tf.compat.v1.Session(graph=graph) as session,
    ):
        tf.graph_util.import_graph_def(graph_def, name="")
        return session.run("y:0", {"x:0": x})


def test_control_edges_that_wait_for_something_stay():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None], name="x")
        constant = tf.constant(1.0, name="constant")
        check = tf.debugging.Assert(tf.reduce_all(x > 0), [x], name="check")
        with tf.control_dependencies([constant.op]):
            idle = tf.identity(x, name="idle")
        with tf.control_dependencies([check]):
            checked = tf.identity(idle, name="checked")
        tf.identity(checked, name="y")
    edges = {
        n.name: list(n.input) for n in without_idle_controls(graph.as_graph_def()).node
    }
    assert edges["idle"] == ["x"]
    assert any(name.startswith("^") for name in edges["checked"])


def test_identities_that_wait_for_an_assertion_are_not_passed_by():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None], name="x")
        constant = tf.constant(1.0, name="constant")
        check = tf.debugging.Assert(tf.reduce_all(x > 0), [x], name="check")
        with tf.control_dependencies([check]):
            checked = tf.identity(constant, name="checked")
        tf.add(x, checked + tf.identity(constant, name="plain"), name="y")
    left = {n.name for n in read_constants(graph.as_graph_def(), ["x", "y"]).node}
    assert "checked" in left
    assert "plain" not in left
