# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training fit`` writes what the demo and the README rely on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.training.trained import EPOCHS, Trained, run

pytestmark = pytest.mark.slow


def test_it_prints_an_accuracy_above_ninety_seven_percent(trained: Trained):
    match = re.search(r"^held-out accuracy: ([\d.]+) \(", trained.said, re.MULTILINE)
    assert match
    assert float(match[1]) > 0.97


def test_the_signature_has_named_inputs_and_outputs_of_any_number_of_rows(
    trained: Trained,
):
    import tensorflow as tf

    serve = tf.saved_model.load(str(trained.saved_model)).signatures["serving_default"]
    (image,) = serve.structured_input_signature[1].values()
    assert (image.name, image.dtype, image.shape.as_list()) == (
        *("image", tf.float32, [None, 8, 8, 1]),
    )
    (output,) = serve.structured_outputs.items()
    assert output[0] == "probabilities"
    assert output[1].shape.as_list() == [None, 10]


def test_the_saved_model_gives_the_accuracy_that_was_printed(trained: Trained):
    import tensorflow as tf

    model = tf.saved_model.load(str(trained.saved_model))
    held_out = np.load(trained.saved_model.with_name("digits_heldout.npz"))
    probabilities = model.signatures["serving_default"](image=held_out["images"])
    classes = probabilities["probabilities"].numpy().argmax(axis=1)
    accuracy = (classes == held_out["labels"]).mean()
    assert f"held-out accuracy: {accuracy:.4f}" in trained.said


def test_the_names_of_the_classes_are_an_asset(trained: Trained):
    labels = (trained.saved_model / "assets" / "labels.txt").read_text().split()
    assert labels[0] == "zero"
    assert len(labels) == 10


def test_it_logs_for_tensorboard(trained: Trained):
    assert list(trained.logs.glob("train/events.out.tfevents.*"))


def test_held_out_images_are_float32_in_zero_to_one_with_every_class(trained: Trained):
    held_out = np.load(trained.saved_model.with_name("digits_heldout.npz"))
    images, labels = held_out["images"], held_out["labels"]
    assert images.dtype == np.float32
    assert images.shape == (360, 8, 8, 1)
    assert images.min() == 0
    assert images.max() == 1
    assert set(labels) == set(range(10))


def test_an_export_over_an_existing_version_is_refused_at_once(trained: Trained):
    before = sorted(trained.saved_model.rglob("*"))
    done = run(trained.folder, "fit", "--output", "models/digits")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("training: ")]
    assert "models/digits is there already" in line
    assert "--overwrite" in line
    assert sorted(trained.saved_model.rglob("*")) == before


def test_the_same_command_goes_on_from_its_checkpoint(trained: Trained, tmp_path: Path):
    steps = 44 * EPOCHS
    done = run(
        *(tmp_path, "fit", "--steps", str(steps + 2), "--json"),
        *("--checkpoints", trained.checkpoints, "--output", "again"),
        *("--data-folder", trained.folder / "build/data/digits"),
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["first_step"] == steps
    assert summary["steps"] == steps + 2
    assert summary["held_out"] > 0.97
    assert summary["checkpoint"].endswith(f"ckpt-{steps + 2}")


@pytest.mark.parametrize(
    "arguments", [("--epochs", "0"), ("--epochs", "2", "--steps", "3"), ("--data", "x")]
)
def test_wrong_usage_ends_with_two(arguments: tuple[str, ...], tmp_path: Path):
    done = run(tmp_path, "fit", *arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr
