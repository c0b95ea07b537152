# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is written after minutes of work is refused before it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from training.cli.main import main


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("feed --plot {}/file/a.png", "file is no folder): choose another folder with"),
        ("feed --plot {}/a.pdf", "--plot writes a PNG: name it"),
        ("feed --plot {}/a.png", "is a folder: name a file in it"),
        ("compare sync --plot {}/file/a.png", "file is no folder"),
        ("jit --hlo {}/file", "choose another folder with --hlo"),
        ("fit --logs {}/file", "choose another folder with --logs"),
        ("fit --output {}/file/model", "choose another folder with --output"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, said: str
):
    pytest.importorskip("matplotlib")
    (tmp_path / "file").write_text("")
    (tmp_path / "a.png").mkdir()
    assert main(shlex.split(command.format(tmp_path))) == 1
    assert said in capsys.readouterr().err
