# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A version that is there is replaced by another whole one, or stays."""

from __future__ import annotations

import pytest

from training.export.saved_model import _replace


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_is_replaced_or_stays(tmp_path, there):
    output, new = tmp_path / "model", tmp_path / "new"
    if there:
        output.mkdir()
        (output / "old").touch()
    with pytest.raises(FileNotFoundError):
        _replace(output, new, aside=tmp_path / "aside")
    assert [path.name for path in tmp_path.glob("*/*")] == ["old"] * there
    new.mkdir()
    (new / "new").touch()
    _replace(output, new, aside=tmp_path / "aside")
    assert [path.name for path in output.iterdir()] == ["new"]
