# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A folder is whole at any time, wherever its writer is killed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from training import hidden
from training.hidden import hidden_beside, put, remove_abandoned

ROOT = Path(__file__).parents[2]

PUTS = """
import errno, os, signal, sys
from pathlib import Path
from training import hidden

folder, exchanges, last = Path(sys.argv[1]), sys.argv[2] == "1", int(sys.argv[3])
if not exchanges:
    def never(*names):
        raise OSError(errno.EINVAL, "no exchange")
    hidden._exchange = never

# Killed before the call of that number that changes names or writes.
calls = 0
def killed(event, arguments):
    global calls
    if event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "ctypes.dlsym"):
        calls += 1
        if calls == last:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(killed)
with hidden.hidden_beside(folder) as place:
    new = place / "new"
    new.mkdir()
    (new / "content").write_text("new")
    hidden.put(new, folder)
"""


@pytest.mark.parametrize("exchanges", [True, False], ids=["exchange", "two renames"])
@pytest.mark.parametrize("there", [True, False], ids=["replaced", "first"])
def test_wherever_a_writer_is_killed_the_folder_is_the_old_or_the_new_one(
    there: bool, exchanges: bool, tmp_path: Path
):
    found = set()
    for last in range(1, 30):
        parent = tmp_path / str(last)
        folder = parent / "model"
        if there:
            folder.mkdir(parents=True)
            (folder / "content").write_text("old")
        done = subprocess.run(
            [sys.executable, "-c", PUTS, str(folder), str(int(exchanges)), str(last)],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
        if exchanges and there:
            assert folder.is_dir()
        remove_abandoned(parent)
        if folder.is_dir():
            assert [path.name for path in folder.iterdir()] == ["content"]
            found.add((folder / "content").read_text())
        else:
            assert not there
        # Killed before it was locked, it left an empty folder at most.
        left = [path for path in parent.glob("*") if path != folder]
        assert not [path for each in left for path in each.glob("*") if path.is_dir()]
        if done.returncode == 0:
            assert not left
            break
    else:
        pytest.fail("the writer never came to its end")
    assert last > 4
    assert found == ({"old", "new"} if there else {"new"})


def test_what_is_in_use_is_not_removed_and_what_is_not_ours_neither(tmp_path: Path):
    (tmp_path / ".mine-12345678").mkdir()
    (tmp_path / ".mine-12345678" / "file").touch()
    with hidden_beside(tmp_path / "one") as one:
        (one / "file").touch()
        with hidden_beside(tmp_path / "two") as two:
            assert (one / "file").exists()
            assert two.parent == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == [".mine-12345678"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL])
def test_what_was_there_stays_where_nothing_can_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(hidden, "_exchange", refused)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "content").touch()
    with hidden_beside(folder) as place, pytest.raises(OSError, match=r"denied|such"):
        put(place / "missing", folder)
    assert [path.name for path in folder.iterdir()] == ["content"]
