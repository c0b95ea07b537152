# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A version's folder is known by its files, even while some of them come and go."""

from __future__ import annotations

from pathlib import Path

from tfnative._store.version_folders import fingerprint


def test_files_that_are_gone_when_they_are_looked_at_hide_no_others(tmp_path: Path):
    names = [f"file{number}" for number in range(8)]
    for name in names:
        (tmp_path / name).write_text("old")
        (tmp_path / f"{name}.gone").symlink_to("nowhere")
    for name in names:
        before = fingerprint(tmp_path)
        (tmp_path / name).write_text("new content")
        assert fingerprint(tmp_path) != before, name
