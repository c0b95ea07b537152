# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where the cache is, what is in it, and how it is cleared."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.python.cache.maker import content_of, entry_of
from tfnative import cache
from tfnative._cache.kernels import hold
from tfnative._cache.lock import exclusive
from tfnative._cache.store import Store
from tfnative.cli import main
from tfnative.errors import FailedPreconditionError

DAY = 24 * 3600.0


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A cache with entries that were used 0, 10 and 40 days ago."""
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path))
    store = Store()
    for days in (0, 10, 40):
        key = f"day{days}"
        store.obtain(key, lambda folder: entry_of(folder, "x" * 1000), content_of)
        used = time.time() - days * DAY
        os.utime(tmp_path / "models" / key / "used", (used, used))
    for days in (0, 40):
        kernels = tmp_path / "kernels" / f"v{days}"
        kernels.mkdir(parents=True)
        (kernels / "gemm.o").write_text("k" * 500)
        used = time.time() - days * DAY
        os.utime(kernels, (used, used))
    return store


def keys() -> list[str]:
    return [entry.key for entry in cache.entries()]


def test_the_folder_is_the_one_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TFNATIVE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache.path() == tmp_path / ".cache" / "tfnative"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.path() == tmp_path / "xdg" / "tfnative"
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "mine"))
    assert cache.path() == tmp_path / "mine"


def test_without_a_home_the_error_says_what_to_set(monkeypatch):
    def fail() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("TFNATIVE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", fail)
    with pytest.raises(FailedPreconditionError, match="set TFNATIVE_CACHE"):
        cache.path()


@pytest.mark.usefixtures("store")
def test_entries_say_what_they_are():
    assert keys() == ["day0", "day10", "day40"]
    entry = cache.entries()[1]
    assert entry.source == "model"
    assert entry.bytes >= 1000
    assert abs(time.time() - entry.last_used - 10 * DAY) < 60
    assert cache.kernels_bytes() == 1000


@pytest.mark.usefixtures("store")
def test_what_was_used_lately_stays():
    cleared = cache.clear(older_than=timedelta(days=30))
    assert (cleared.entries, cleared.busy) == (1, 0)
    assert cleared.bytes >= 1500
    assert keys() == ["day0", "day10"]
    assert cache.kernels_bytes() == 500


@pytest.mark.usefixtures("store")
def test_everything_goes_but_kernels_that_are_in_use(tmp_path):
    held = hold(tmp_path / "kernels" / "v0")
    assert held is not None
    cleared = cache.clear()
    assert (cleared.entries, cleared.kernels, cleared.kernels_busy) == (3, 1, 1)
    assert cache.entries() == []
    assert [path.name for path in (tmp_path / "kernels").iterdir()] == ["v0"]
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["gemm.o"]
    os.close(held)
    assert cache.clear().kernels == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("store")
def test_what_killed_compilers_left_goes_and_is_no_set_of_kernels(tmp_path):
    leftover = tmp_path / "kernels" / "tmpabc"
    leftover.mkdir()
    (leftover / "gemm.o").write_text("k" * 500)
    assert cache.kernels_count() == 2
    assert cache.clear(older_than=timedelta(days=30)).kernels == 1
    assert leftover.exists()
    assert cache.clear().kernels == 1
    assert not leftover.exists()


def test_what_is_being_made_stays(store, tmp_path):
    with exclusive(tmp_path / "locks" / "day0"):
        cleared = cache.clear()
    assert (cleared.entries, cleared.busy) == (2, 1)
    assert keys() == ["day0"]


def test_clearing_nothing_does_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "none"))
    assert cache.clear() == cache.Cleared(0, 0, 0)
    assert cache.entries() == []
    assert cache.kernels_bytes() == 0


def test_the_command_lists_and_clears(store, tmp_path, capsys):
    assert main(["cache", "path"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}\n"
    assert main(["cache", "list"]) == 0
    shown = capsys.readouterr().out
    assert "10 days ago" in shown
    assert "3 models" in shown
    assert "2 sets of kernels, 1.0 kB" in shown
    assert main(["cache", "list", "--json", "--older-than", "30d"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [entry["key"] for entry in content["models"]] == ["day40"]
    assert content["path"] == str(tmp_path)
    assert (content["kernels"], content["kernels_bytes"]) == (2, 1000)
    assert main(["cache", "clear", "--older-than", "2w", "--json"]) == 0
    cleared = json.loads(capsys.readouterr().out)
    assert (cleared["models"], cleared["kernels"]) == (1, 1)
    assert main(["cache", "clear"]) == 0
    assert "removed 2 models and 1 set of kernels" in capsys.readouterr().out
    assert main(["cache", "list"]) == 0
    assert "no models" in capsys.readouterr().out


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1y", ""])
def test_ages_that_make_no_sense_exit_with_2(age, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["cache", "clear", f"--older-than={age}"])
    assert exit_info.value.code == 2
    assert "30d" in capsys.readouterr().err


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["cache", "--help"])
    shown = capsys.readouterr().out
    assert "TFNATIVE_CACHE" in shown
    assert "tfnative cache clear --older-than 30d" in shown
