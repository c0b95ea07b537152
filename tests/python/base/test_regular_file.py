# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Only files are opened to be read, and nothing waits."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tfnative._base.regular_file import open_regular, read_regular


def test_files_are_opened_also_behind_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"text"


def test_what_has_no_end_or_waits_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket"))
        for path in ("/dev/zero", *(tmp_path / n for n in ("pipe", "link", "socket"))):
            with pytest.raises(OSError, match="expected a file"):
                open_regular(path)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")


def test_no_more_is_read_than_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"text")
    assert read_regular(file, 4) == b"text"
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_regular(file, 3)
    os.truncate(file, 1 << 36)  # Of which the disk has a page at most.
    with pytest.raises(OSError, match="more than 268,435,456 bytes"):
        read_regular(file)
