# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Commands that are given bad data: each names the file in one line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from training.cli.main import main
from training.data import open_data
from training.errors import DataError
from training.fit import fit
from training.options import FitOptions

ROOT = Path(__file__).parents[3]
COMMANDS = {
    "data": ("digits",),
    "feed": ("--data", "digits"),
    "fit": ("--model", "mlp", "--data", "digits", "--steps", "2"),
    "ops": ("--model", "mlp", "--data", "digits"),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_names_the_file_of_other_data(
    command: str, data_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = open_data("digits", data_root / "digits")
    shutil.copytree(data.folder, tmp_path / "data")
    first, second, *_ = (shard.file for shard in data.index.train)
    shutil.copy(tmp_path / "data" / first, tmp_path / "data" / second)
    words = [command, *COMMANDS[command], "--data-folder", str(tmp_path / "data")]
    assert main(words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert second in line
    assert "--force" in line


@pytest.mark.slow
def test_a_file_that_is_removed_during_training_is_named(
    data_root: Path, tmp_path: Path
):
    from keras.callbacks import LambdaCallback

    data = open_data("digits", data_root / "digits")
    shutil.copytree(data.folder, tmp_path / "data")
    removed = tmp_path / "data" / data.index.train[0].file
    remove = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: removed.unlink(missing_ok=True)
    )
    options = FitOptions(
        model="mlp",
        data="digits",
        data_folder=str(tmp_path / "data"),
        epochs=20,
        callbacks=[remove],
        verbose=0,
    )
    with pytest.raises(DataError, match=f"{removed.name} is damaged: it is missing"):
        fit(options)


def test_data_is_written_and_checked_without_tensorflow(tmp_path: Path):
    program = """
import sys
from training.cli.main import main
assert main(["data", "ratings", "--data-folder", sys.argv[1]]) == 0
assert "tensorflow" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "data")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "train: 14,400 rows in 4 files" in done.stdout
