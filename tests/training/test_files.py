# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files that a user has named are written in whole, or stay as they were."""

from __future__ import annotations

import pytest

from training.errors import TrainingError
from training.files import written


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
