# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What ``fit`` writes for TensorBoard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.cli.main import main
from training.data import open_data
from training.errors import TrainingError
from training.observe.mistakes import MOST, worst
from training.observe.watch import logs_written, watching
from training.options import FitOptions


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run that was asked for everything."""
    folder = tmp_path_factory.mktemp("watched")
    code = main(
        [
            *("fit", "--model", "cnn", "--data-folder", str(folder / "digits")),
            *("--steps", "14", "--quiet", "--logs", str(folder / "logs")),
            *("--look", "histograms", "graph", "mistakes", "projector"),
            *("--profile", "8-11"),
        ]
    )
    assert code == 0
    return folder / "logs"


def _tags(folder: Path) -> dict[str, list[str]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    found: dict[str, list[str]] = events.Tags()
    return found


def test_scalars_histograms_and_the_graph_are_there(logs: Path) -> None:
    tags = _tags(logs / "train")
    assert _tags(logs / "graph")["graph"]
    assert {"epoch_loss", "epoch_accuracy"} <= set(tags["tensors"])
    assert any("histogram" in tag for tag in tags["tensors"])
    assert "epoch_accuracy" in _tags(logs / "validation")["tensors"]


def test_mistakes_and_the_projector_are_there(logs: Path) -> None:
    assert "mistake 00" in _tags(logs / "mistakes")["tensors"]
    labels = (logs / "projector" / "labels.tsv").read_text().split()
    assert len(labels) == 360
    config = (logs / "projector" / "projector_config.pbtxt").read_text()
    assert "labels.tsv" in config


def test_the_trace_becomes_a_table_a_chart_and_a_timeline(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chart, timeline = tmp_path / "steps.png", tmp_path / "steps.json"
    asked = ["timeline", str(logs), "--plot", str(chart), "--output", str(timeline)]
    assert main(asked) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[1].split()[:2] == ["logs", "4"]
    assert "bound" in shown
    assert chart.is_file()
    assert timeline.is_file()


@pytest.mark.parametrize("asked", ["--look graph", "--profile 1-2", "--debug dump"])
def test_what_is_written_to_logs_needs_a_folder(
    asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", "--steps", "1", *asked.split()]) == 1
    assert f"{asked.split(' ', maxsplit=1)[0]}" in (said := capsys.readouterr().err)
    assert "add --logs FOLDER" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("model", "name"),
    [("autoencoder", "digits"), ("mlp", "breast_cancer"), ("mlp", "diabetes")],
)
def test_mistakes_that_no_image_can_show_are_refused(
    model: str, name: str, data_root: Path, tmp_path: Path
) -> None:
    import keras

    data = open_data(name, data_root / name)
    options = FitOptions(model=model, data=name, logs=tmp_path, looks=("mistakes",))
    with pytest.raises(TrainingError, match=f"{model} of {name} has none: leave it"):
        watching(None, options, data, keras)


def test_logs_that_cannot_be_written_are_named_and_other_errors_pass(
    tmp_path: Path,
) -> None:
    import tensorflow as tf

    logs = tmp_path / "file"
    logs.write_text("")
    said = r"logs cannot be written to .*/file \([^{}\n]+\): free some space"
    with pytest.raises(TrainingError, match=said), logs_written(logs):
        tf.summary.create_file_writer(str(logs / "train"))
    for folder in (tmp_path, None):
        with (
            pytest.raises(tf.errors.InvalidArgumentError, match="Matrix size"),
            logs_written(folder),
        ):
            tf.matmul(tf.ones([1, 2]), tf.ones([3, 1]))


@pytest.mark.parametrize("steps", ["20-10", "5", "a-b", "-1-3"])
def test_steps_that_are_none_are_a_usage_error(steps: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(["fit", f"--profile={steps}"])
    assert left.value.code == 2


def test_the_surest_mistakes_come_first() -> None:
    labels = np.zeros(40, np.int64)
    sure = np.linspace(0.6, 0.9, 40)
    predicted = np.stack([1 - sure, sure], axis=1)
    predicted[::2] = predicted[::2, ::-1]  # These are right.
    assert worst(predicted, labels) == [*range(39, 39 - 2 * MOST, -2)]
