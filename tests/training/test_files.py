# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files that a user has named are whole, and a folder is one run's at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from training.errors import TrainingError
from training.files import (
    LOCK,
    add_lines,
    check_folder,
    held,
    read_lines,
    written,
)


def test_a_folder_that_cannot_be_written_is_said_before_the_work(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for there in (tmp_path, tmp_path / "new" / "new"):
        check_folder(there, "--logs")
    for path in ("file", "file/new", "link/new"):
        with pytest.raises(TrainingError, match=r"is no folder\): .* with --logs"):
            check_folder(tmp_path / path, "--logs")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(TrainingError, match=r"new cannot be written .* is read-only"):
        check_folder(tmp_path / "new", "--logs")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link"}


def test_a_file_has_its_name_when_all_is_written(tmp_path):
    path = tmp_path / "new" / "chart.png"
    with written(path, "--plot") as partial:
        partial.write_text("half")
        assert not path.exists()
        assert partial.suffix == ".png"
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left"), ValueError("Format?")])
def test_what_was_there_stays_if_writing_fails(tmp_path, error):
    path = tmp_path / "chart.png"
    path.write_text("old")

    def write() -> None:
        with written(path, "--plot") as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(TrainingError, match="--plot") as raised:
        write()
    assert str(error.args[-1]) in str(raised.value)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_said_in_a_line(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "chart.png"
    said = r"chart\.png cannot be written"
    with pytest.raises(TrainingError, match=said), written(path, "--plot"):
        pass


def test_a_folder_is_one_runs_at_a_time(tmp_path):
    folder = tmp_path / "run"
    with held(folder, "--run-folder"):
        said = rf"run is used by another run \(process {os.getpid()}\).*--run-folder"
        with pytest.raises(TrainingError, match=said), held(folder, "--run-folder"):
            pass
        with held(tmp_path / "other", "--run-folder"):
            pass
    with held(folder, "--run-folder"):
        pass


def test_who_is_killed_lets_go_of_its_folder(tmp_path):
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom training.files import held\n"
        "with held(Path(sys.argv[1]), '--checkpoints'):\n"
        "    print('holds', flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        said = rf"process {process.pid}\)"
        with pytest.raises(TrainingError, match=said), held(tmp_path, "--checkpoints"):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        with held(tmp_path, "--checkpoints"):
            assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n"


def test_a_folder_that_cannot_be_held_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    said = r"file/run cannot be written .*--run-folder"
    with (
        pytest.raises(TrainingError, match=said),
        held(tmp_path / "file" / "run", "--run-folder"),
    ):
        pass


@pytest.mark.parametrize("half", [b'{"step": 2, "lo', b'{"step": 2}', b"\xff"])
def test_a_line_that_was_cut_off_is_none_and_harms_no_other(tmp_path, half):
    path = tmp_path / "steps.jsonl"
    add_lines(path, [{"step": 1}])
    with path.open("ab") as file:
        file.write(half)
    assert read_lines(path) == [{"step": 1}]
    add_lines(path, [{"step": 3}, {"step": 4}])
    whole = [{"step": 2}] if half.endswith(b"}") else []
    assert read_lines(path) == [{"step": 1}, *whole, {"step": 3}, {"step": 4}]
