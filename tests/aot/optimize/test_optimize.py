# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What optimize does, leaves out, refuses and writes."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.conftest import Export
from tests.models import ZOO
from tests.models.saving import module_save
from tfnative.errors import CompileError, InvalidArgumentError, NotFoundError
from tfnative_aot.optimize import write

ONE: dict[str, Any] = {"signatures": ["serving_default"]}


def optimized(path: Path, folder: Path, **options: Any) -> tfnative.Optimized:
    return tfnative.optimize(path, folder / "small", **options)


def test_batch_norms_are_gone_and_each_step_says_what_it_did(
    export: Export, tmp_path: Path
):
    done = optimized(export(ZOO["conv2d_even"]), tmp_path)
    first, last = done.steps[0], done.steps[-1]
    assert first.transform == "freeze"
    assert first.ops["Rsqrt"]
    assert not {"Rsqrt", "Mul", "Sub"} & last.ops.keys()
    assert last.ops["Identity"] == len(done.outputs)  # One for each output.
    assert last.bytes < first.bytes / 2
    assert last.gzipped_bytes < first.gzipped_bytes
    assert last.constants < first.constants
    assert last.flops == first.flops
    assert last.flops is not None
    assert last.milliseconds is not None


def test_a_step_that_breaks_the_model_is_named_and_left_out(
    export: Export, tmp_path: Path
):
    steps = "round_weights(num_steps=2) fold_constants"
    done = optimized(export(ZOO["mlp"]), tmp_path, transforms=steps)
    freeze, rounding, folding = done.steps
    assert not rounding.applied
    assert "0.05 is allowed" in rounding.reason
    assert rounding.bytes == freeze.bytes
    assert folding.applied
    assert folding.total_error == 0
    marked = json.loads(
        (done.output / "assets.extra/tfnative_optimize.json").read_text()
    )
    assert [s["applied"] for s in marked["steps"]] == [True, False, True]


def test_strict_fails_at_such_a_step_and_writes_nothing(export: Export, tmp_path: Path):
    with pytest.raises(CompileError, match=r"round_weights.* breaks .*is allowed"):
        optimized(
            export(ZOO["mlp"]),
            tmp_path,
            transforms="round_weights(num_steps=2)",
            strict=True,
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("rename_node(old_node_name=input_x, new_node_name=y)", "removes input_x"),
        ("rename_op(old_op_name=MatMul, new_op_name=NoSuchOp)", "cannot load|refuses"),
        ("remove_nodes(op=Relu)", "changes results by"),
        ("freeze_requantization_ranges", "no ranges; quantize_nodes makes some"),
    ],
)
def test_what_cannot_be_applied_says_why(
    step: str, reason: str, export: Export, tmp_path: Path
):
    done = optimized(
        export(ZOO["mlp"]),
        tmp_path,
        transforms=step,
        signatures=["serving_default"],
    )
    assert not done.steps[1].applied
    assert re.search(reason, done.steps[1].reason)


def test_only_what_optimize_wrote_is_replaced(export: Export, tmp_path: Path):
    path = export(ZOO["gather"])
    done = optimized(path, tmp_path)
    optimized(path, tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    with pytest.raises(InvalidArgumentError, match="is not a model that optimize"):
        tfnative.optimize(path, tmp_path / "mine")
    with pytest.raises(InvalidArgumentError, match="where the model is"):
        tfnative.optimize(done.output, done.output)
    with pytest.raises(InvalidArgumentError, match="is not a GraphDef"):
        tfnative.optimize(path, tmp_path / "mine" / "file", format="graphdef")
    assert (tmp_path / "mine" / "file").read_text() == "mine"


def test_what_fails_leaves_what_was_there(export: Export, tmp_path: Path):
    done = optimized(export(ZOO["mlp"]), tmp_path)
    was = (done.output / "saved_model.pb").read_bytes()
    with pytest.raises(CompileError):
        optimized(
            export(ZOO["mlp"]),
            tmp_path,
            transforms="remove_nodes(op=Relu)",
            strict=True,
        )
    assert (done.output / "saved_model.pb").read_bytes() == was
    assert [p.name for p in tmp_path.iterdir()] == ["small"]


@pytest.mark.parametrize("format_", ["saved_model", "graphdef"])
def test_a_full_disk_is_that_of_the_output(
    format_: str, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(write, "replacing", full)
    monkeypatch.setattr(write, "write_whole", full)
    with pytest.raises(tfnative.ResourceExhaustedError, match="the disk of ") as caught:
        optimized(export(ZOO["mlp"]), tmp_path, format=format_, transforms="", **ONE)
    assert str(tmp_path) in str(caught.value)
    assert "TMPDIR" not in str(caught.value)


def _of_mlp(rows: int) -> dict[str, object]:
    return dict(ZOO["mlp"].inputs(rows, np.random.default_rng(1)))


def test_bad_input_is_named_and_nothing_is_written(export: Export, tmp_path: Path):
    path = export(ZOO["mlp"])
    for kind, pattern, options in (
        (NotFoundError, "no signature 'no'", {"signatures": ["no"]}),
        (NotFoundError, "no file", {"representative_data": tmp_path / "no.npz"}),
        (NotFoundError, "no file", {"representative_data": tmp_path / "no.tfrecord"}),
        (
            InvalidArgumentError,
            "inputs of no signature",
            {"representative_data": {"z": np.ones(3)}},
        ),
        (
            InvalidArgumentError,
            "expected float32",
            {"representative_data": {"x": np.ones(3)}},
        ),
        (
            InvalidArgumentError,
            "has extra, other, which is no input of any signature; inputs are x$",
            {"representative_data": _of_mlp(2) | {"other": 1.0, "extra": 2.0}},
        ),
        (
            InvalidArgumentError,
            r"input 'x' is float32 \[0, 32\], which is empty",
            {"representative_data": _of_mlp(0)},
        ),
    ):
        with pytest.raises(kind, match=pattern):
            optimized(path, tmp_path, **options)
    with pytest.raises(NotFoundError):
        optimized(tmp_path / "nothing", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_tensorflow_cannot_run_is_refused_before_the_first_step(
    tmp_path: Path,
):
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 4], name="x")
        keep = tf.compat.v1.placeholder(tf.float32, [], name="keep")
        tf.identity(x * keep, name="y")
        broken = tf.reshape(x, [-1, 3])
        tf.identity(tf.linalg.cholesky(broken[None]), name="broken")
    path = tmp_path / "net.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(InvalidArgumentError, match="--constant keep=VALUE"):
        optimized(path, tmp_path, inputs=["x"], outputs=["y"])
    with pytest.raises(CompileError, match="fails on every input"):
        optimized(path, tmp_path, inputs=["x"], outputs=["broken"])
    done = optimized(
        path, tmp_path, inputs=["x"], outputs=["y"], constants={"keep": 1.0}
    )
    assert list(done.inputs["serving_default"]) == ["x"]


def test_assertions_hold_until_somebody_removes_them(export: Export, tmp_path: Path):
    path = export(ZOO["assertions"])
    steps = (None, "remove_assertions")
    kept, removed = (
        tfnative.optimize(path, tmp_path / str(index), transforms=step)
        for index, step in enumerate(steps)
    )
    assert "Assert" in kept.steps[0].ops
    assert kept.steps[-1].ops["Assert"] == kept.steps[0].ops["Assert"]
    assert "Assert" not in removed.steps[-1].ops


def _guarded() -> tuple[Any, Any]:
    """Weights that are read when an assertion has held."""
    module = tf.Module()
    module.weights = tf.Variable(tf.random.stateless_normal([4, 5], (1, 2)))

    @tf.function(
        input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")], autograph=False
    )
    def serving(x: Any) -> dict[str, Any]:
        checked = tf.debugging.assert_non_negative(x, message="below zero")
        with tf.control_dependencies([checked]):
            return {"y": tf.matmul(tf.identity(x), module.weights)}

    module.serving = serving
    return module, serving


def test_what_is_optimized_can_be_optimized_again(tmp_path: Path):
    path = module_save(_guarded)(tmp_path / "guarded")
    first = tfnative.optimize(path, tmp_path / "first", strict=True)
    again = tfnative.optimize(first.output, tmp_path / "again", strict=True)
    third = tfnative.optimize(again.output, tmp_path / "third", strict=True)
    for done in (first, again, third):
        assert all(step.applied for step in done.steps)
        with pytest.raises(tf.errors.InvalidArgumentError, match="below zero"):
            tf.saved_model.load(str(done.output)).signatures["serving_default"](
                x=-tf.ones([1, 4])
            )


def test_an_empty_list_only_freezes(export: Export, tmp_path: Path):
    done = optimized(export(ZOO["mlp"]), tmp_path, transforms="")
    assert [step.transform for step in done.steps] == ["freeze"]
    assert not (done.output / "variables").exists()
