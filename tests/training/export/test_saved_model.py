# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is beside a SavedModel belongs to it, and it has a name of its own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from training.errors import ExportError
from training.export.saved_model import _note, beside, check_beside, check_output


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A SavedModel without a graph, with held-out rows."""
    folder = tmp_path / "model"
    folder.mkdir()
    file = tmp_path / "heldout.npz"
    np.savez(file, features=np.zeros((2, 3)), labels=np.arange(2))
    _note(folder, [file])
    file.rename(beside(folder, "heldout"))
    return folder


def test_rows_of_another_export_are_not_compared_with(exported: Path):
    check_beside(exported, "heldout")
    np.savez(beside(exported, "heldout"), features=np.ones((2, 3)), labels=np.arange(2))
    with pytest.raises(ExportError, match="not the file that was written with"):
        check_beside(exported, "heldout")


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"sha256": 3}', '{"sha256": {}}'])
def test_a_note_that_is_damaged_is_named(exported: Path, note: str):
    (exported / "assets.extra" / "beside.json").write_text(note)
    with pytest.raises(ExportError, match=r"beside\.json .* cannot be read"):
        check_beside(exported, "heldout")


def test_a_model_that_knows_nothing_of_its_rows_is_taken(exported: Path):
    (exported / "assets.extra" / "beside.json").unlink()
    check_beside(exported, "heldout")


@pytest.mark.parametrize("name", [".", "", "..", "models/.."])
def test_a_folder_without_a_name_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(ExportError, match="no name of its own"):
            check_output(Path(name), overwrite=overwrite)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_not_replaced(tmp_path: Path, there: bool):
    if there:
        (tmp_path / "real").mkdir()
    os.symlink(tmp_path / "real", tmp_path / "link")
    with pytest.raises(ExportError, match=r"is a link to .*real"):
        check_output(tmp_path / "link", overwrite=True)
