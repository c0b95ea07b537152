# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files are written whole or not at all, and what is no file is never replaced."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tfnative import cli
from tfnative._base.output_file import write_whole

TEXT = b"text"


def write(path: str | Path, content: bytes = TEXT) -> None:
    write_whole(path, lambda file: file.write(content))


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(0o600)
    before = file.stat().st_ino
    write(file)
    assert file.read_bytes() == TEXT
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_ino != before
    assert os.listdir(tmp_path) == ["file"]


def test_a_new_file_is_as_the_umask_has_it(tmp_path: Path) -> None:
    mask = os.umask(0o077)
    try:
        write(tmp_path / "file")
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_file_stays_if_it_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")

    def fail(file: object) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        write_whole(file, fail)
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("exists", [True, False])
def test_what_a_link_names_is_replaced_and_not_the_link(
    exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "target"
    if exists:
        target.write_bytes(b"old")
    link, first = tmp_path / "link", tmp_path / "first"
    link.symlink_to(Path("there", "target"))
    first.symlink_to("link")
    monkeypatch.chdir(tmp_path)
    for content, path in ((b"1", "first"), (b"2", first), (b"3", Path("link"))):
        write(path, content)
        assert target.read_bytes() == content
    assert link.is_symlink()
    assert first.is_symlink()


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(pipe)
    reader.join()
    assert read == [TEXT]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    for path in (link, Path("/dev/null")):
        write(path)
        assert stat.S_ISCHR(path.stat().st_mode)
    assert link.is_symlink()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("is_pipe", [True, False])
def test_what_is_open_is_written_to(name: str, is_pipe: bool, tmp_path: Path) -> None:
    program = (
        "from tfnative._base.output_file import write_whole\n"
        f"write_whole({name!r}, lambda file: file.write(b'text'))\n"
    )
    command = [sys.executable, "-c", program]
    if is_pipe:
        assert subprocess.run(command, capture_output=True, check=True).stdout == TEXT
        return
    with open(tmp_path / "out", "w+b") as out:
        subprocess.run(command, stdout=out, check=True)
        assert out.read() == TEXT


def test_what_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for path in ("", tmp_path, tmp_path / "loop", tmp_path / "none" / "file"):
        with pytest.raises(OSError):  # noqa: PT011  # Of several kinds.
            write(path)
    assert os.listdir(tmp_path) == ["loop"]


def test_the_command_writes_outputs_so(
    fake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = tmp_path / "x.npy"
    np.save(x, np.ones((1, 3), np.float32))
    command = ["run", str(fake), "--signature", "affine", "--input", str(x), "--output"]
    (tmp_path / "link.npy").symlink_to(tmp_path / "target.npy")
    assert cli.main([*command, str(tmp_path / "link.npy")]) == 0
    assert np.load(tmp_path / "target.npy").shape == (1, 3)
    assert (tmp_path / "link.npy").is_symlink()
    assert cli.main([*command, "/dev/null"]) == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    assert cli.main([*command, str(pipe)]) == 0
    reader.join()
    assert read == [(tmp_path / "target.npy").read_bytes()]
    for wrong in ("", str(tmp_path), f"{tmp_path}/none/y.npy"):
        assert cli.main([*command, wrong]) == cli.FAILURE
        assert "cannot write" in capsys.readouterr().err
