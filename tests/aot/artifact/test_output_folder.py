# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The folder of an artifact is replaced as a whole, where it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow")

from tfnative_aot.output import replacing


@pytest.mark.parametrize("exists", [True, False])
def test_what_a_link_names_is_replaced_and_not_the_link(
    exists: bool, tmp_path: Path
) -> None:
    target, link = tmp_path / "there" / "model", tmp_path / "link"
    target.parent.mkdir()
    if exists:
        target.mkdir()
        (target / "old").touch()
    link.symlink_to(Path("there", "model"))
    with replacing(link) as staging:
        (staging / "new").touch()
    assert link.is_symlink()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in target.parent.iterdir()] == ["model"]
