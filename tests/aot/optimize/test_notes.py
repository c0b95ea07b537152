# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is to be known of an optimized model is said, and kept with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.models.saving import function_save
from tests.models.training import keras_training
from tfnative import cli

v1 = tf.compat.v1
ROWS = {"x": ((None, 4), "float32")}
WEIGHTS = np.random.default_rng(1).standard_normal((4, 4)).astype(np.float32)


def kinds(done: tfnative.Optimized) -> list[str]:
    return [note.kind for note in done.notes]


def test_a_plain_model_has_no_notes(tmp_path: Path):
    path = function_save(lambda x: {"y": tf.nn.relu(x @ WEIGHTS)}, **ROWS)(
        tmp_path / "m"
    )
    assert tfnative.optimize(path, tmp_path / "small", transforms="").notes == ()


def test_nothing_finite_to_compare_is_said_and_no_step_is_judged_by_it(tmp_path: Path):
    path = function_save(lambda x: {"y": tf.nn.relu(x @ WEIGHTS)}, **ROWS)(
        tmp_path / "m"
    )
    done = tfnative.optimize(
        path,
        tmp_path / "small",
        transforms="rename_op(old_op_name=Relu, new_op_name=Sigmoid)",
        representative_data={"x": np.full((3, 4), np.nan, np.float32)},
    )
    assert kinds(done) == ["not_compared"]
    assert not done.steps[1].applied
    assert "no output has a finite number" in done.steps[1].reason


def test_outputs_that_never_change_are_said_to_show_few_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = function_save(lambda x: {"y": tf.nn.relu(x @ WEIGHTS)}, **ROWS)(
        tmp_path / "m"
    )
    np.savez(tmp_path / "zeros.npz", x=np.zeros((3, 4), np.float32))
    command = ["optimize", str(path), "-o", str(tmp_path / "small")]
    command += ["--representative-data", str(tmp_path / "zeros.npz")]
    assert cli.main([*command, "--transforms", ""]) == 0
    printed = capsys.readouterr().out
    assert "note: signature 'serving_default' gives the same as y for all" in printed


def _dropout(path: Path, *, from_input: bool) -> Path:
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], "x")
        keep = v1.placeholder(tf.float32, [], "keep")
        share = keep if from_input else tf.sigmoid(tf.reduce_mean(x))
        y = v1.nn.dropout(tf.nn.relu(x @ WEIGHTS), keep_prob=share)
        inputs = {"x": x, "keep": keep} if from_input else {"x": x}
        v1.saved_model.simple_save(session, str(path), inputs, {"y": y})
    return path


def test_dropout_of_an_input_is_said_to_stay_with_what_to_do(tmp_path: Path):
    path = _dropout(tmp_path / "m", from_input=True)
    done = tfnative.optimize(path, tmp_path / "small")
    (note,) = (note for note in done.notes if note.kind == "still_random")
    assert "RandomUniform" in note.text
    assert "--constant keep=1" in note.text
    fixed = tfnative.optimize(path, tmp_path / "fixed", constants={"keep": 1.0})
    assert fixed.notes == ()
    assert not [op for op in fixed.steps[-1].ops if "Random" in op]


def test_dropout_of_what_is_computed_is_said_to_stay(tmp_path: Path):
    path = _dropout(tmp_path / "m", from_input=False)
    done = tfnative.optimize(path, tmp_path / "small")
    assert kinds(done) == ["still_random"]
    assert "computed from input 'x'" in done.notes[0].text


def test_noise_with_a_mean_is_said_to_stay(tmp_path: Path):
    def noisy(x: Any) -> dict[str, Any]:
        return {"y": x + tf.random.normal(tf.shape(x), mean=1.0)}

    path = function_save(noisy, **ROWS)(tmp_path / "m")
    done = tfnative.optimize(path, tmp_path / "small")
    assert kinds(done) == ["still_random"]
    assert "no dropout, noise of mean 0" in done.notes[0].text


@pytest.mark.slow
def test_averages_that_are_taken_no_more_are_named(tmp_path: Path):
    import keras

    keras_training(tmp_path / "m", keras.layers.BatchNormalization)
    done = tfnative.optimize(tmp_path / "m", tmp_path / "small")
    assert kinds(done) == ["no_updates"]
    assert "changed variables at each call" in done.notes[0].text


def test_a_scalar_input_stays_one(tmp_path: Path):
    scalar = {**ROWS, "scale": ((), "float32")}
    path = function_save(lambda x, scale: {"y": x * scale}, **scalar)(tmp_path / "m")
    done = tfnative.optimize(path, tmp_path / "small")
    signature = tf.saved_model.load(str(done.output)).signatures["serving_default"]
    assert signature.structured_input_signature[1]["scale"].shape.rank == 0
