# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""training/train_digits.py writes what the demo and the README rely on."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "training" / "train_digits.py"

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Trained:
    """A run of the script."""

    saved_model: Path
    logs: Path
    said: str


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("training")
    saved_model, logs = folder / "models" / "digits", folder / "logs"
    done = run("--output", saved_model, "--logs", logs, "--epochs", "8")
    assert done.returncode == 0, done.stderr
    return Trained(saved_model, logs, done.stdout)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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


def test_no_epochs_are_a_usage_error():
    done = run("--epochs", "0")
    assert done.returncode == 2
    assert "--epochs" in done.stderr
