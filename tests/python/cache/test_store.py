# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Entries are made once, are whole or not there, and survive whoever dies."""

from __future__ import annotations

import dataclasses
import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.python.cache.maker import content_of, entry_of
from tfnative._cache.entry import Entry, Refusal
from tfnative._cache.store import Store
from tfnative.errors import (
    FailedPreconditionError,
    InternalError,
    ResourceExhaustedError,
)

MAKER = Path(__file__).with_name("maker.py")
ROOT = Path(__file__).resolve().parents[3]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes of maker.py, which do not outlive the test."""
    processes = []

    def start_one(key: str = "key", seconds: float = 0.3):
        processes.append(
            subprocess.Popen(
                [sys.executable, MAKER, tmp_path, key, str(seconds)],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        )
        return processes[-1]

    yield start_one
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def made(folder: Path) -> list[str]:
    log = folder / "made"
    return [line.split()[0] for line in log.read_text().splitlines()]


def obtain(store: Store, content: str = "fresh", key: str = "key") -> str:
    return store.obtain(key, lambda folder: entry_of(folder, content), content_of)


def never(folder: Path) -> Entry:
    raise AssertionError("made again")


def names(store: Store) -> list[str]:
    return sorted(path.name for path in (store.folder / "models").iterdir())


def test_processes_that_want_the_same_entry_make_it_once(tmp_path, start):
    processes = [start() for _ in range(6)]
    outputs = [process.communicate()[0] for process in processes]
    assert {out.splitlines()[-1] for out in outputs} == {"content of key"}
    assert made(tmp_path) == ["key"]
    assert names(Store(tmp_path)) == ["key"]


def test_threads_that_want_the_same_entry_make_it_once(tmp_path):
    store, results, count = Store(tmp_path), [], []

    def make(folder: Path) -> Entry:
        count.append(1)
        time.sleep(0.2)
        return entry_of(folder, "x")

    def work() -> None:
        results.append(store.obtain("key", make, content_of))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["x"] * 6
    assert len(count) == 1


def test_other_entries_do_not_wait(tmp_path, start):
    slow = start("slow", 60)
    assert slow.stdout.readline() == "making\n"
    assert start("quick", 0).communicate()[0].endswith("content of quick\n")
    assert slow.poll() is None


def test_a_maker_that_is_killed_is_replaced_by_one_that_waits(tmp_path, start):
    first = start(seconds=60)
    assert first.stdout.readline() == "making\n"
    second = start(seconds=0)
    assert second.stdout.readline() == "waiting\n"
    first.send_signal(signal.SIGKILL)
    assert second.communicate(timeout=30)[0].endswith("content of key\n")
    assert made(tmp_path) == ["key", "key"]
    assert names(Store(tmp_path)) == ["key"]


def test_what_a_killed_maker_left_is_removed(tmp_path, start):
    process = start(seconds=60)
    assert process.stdout.readline() == "making\n"
    store = Store(tmp_path)
    assert store.sweep() == 1
    (left,) = names(store)
    assert left.startswith(".making-key-")
    process.kill()
    process.wait()
    assert store.sweep() == 0
    assert names(store) == []
    assert list((tmp_path / "locks").iterdir()) == []
    assert obtain(store) == "fresh"


def test_nothing_is_kept_of_a_failure(tmp_path):
    def fail(folder: Path) -> Entry:
        (folder / "half").write_text("")
        raise InternalError("compiler")

    store = Store(tmp_path)
    with pytest.raises(InternalError, match="compiler"):
        store.obtain("key", fail, content_of)
    assert names(store) == []
    assert obtain(store) == "fresh"
    assert store.obtain("key", never, content_of) == "fresh"


def truncate(entry: Entry) -> None:
    path = entry.artifact / "libx.so"
    path.write_text(path.read_text()[:-1])


def flip(entry: Entry) -> None:
    (entry.artifact / "libx.so").write_text("FRESH")


def lose_library(entry: Entry) -> None:
    (entry.artifact / "libx.so").unlink()


def garble(entry: Entry) -> None:
    (entry.folder / "entry.json").write_text('{"format": 1, "key": "key"')


def retype(entry: Entry) -> None:
    path = entry.folder / "entry.json"
    path.write_text(path.read_text().replace('"options": {}', '"options": 7'))


def lose_entry(entry: Entry) -> None:
    (entry.folder / "entry.json").unlink()


@pytest.mark.parametrize(
    "damage", [truncate, flip, lose_library, garble, retype, lose_entry]
)
def test_damaged_entries_are_made_again(tmp_path, damage):
    store = Store(tmp_path)
    obtain(store)
    damage(store.entries()[0])
    assert obtain(store, "again") == "again"
    assert store.obtain("key", never, content_of) == "again"
    assert names(store) == ["key"]


def test_an_entry_that_does_not_open_is_made_again_once(tmp_path):
    from tfnative.errors import LoadError

    store = Store(tmp_path)
    obtain(store)

    def refuse(entry: Entry) -> str:
        raise LoadError("not for this CPU")

    count = []

    def make(folder: Path) -> Entry:
        count.append(1)
        return entry_of(folder, "again")

    with pytest.raises(LoadError, match="not for this CPU"):
        store.obtain("key", make, refuse)
    assert len(count) == 1


def test_a_cache_that_was_copied_is_believed_after_one_look(tmp_path):
    obtain(Store(tmp_path / "one"))
    shutil.copytree(tmp_path / "one", tmp_path / "two", copy_function=shutil.copyfile)
    store = Store(tmp_path / "two")
    before = store.find("key").library
    assert store.obtain("key", never, content_of) == "fresh"
    after = store.find("key").library
    assert after == dataclasses.replace(before, mtime_ns=after.mtime_ns)
    path = tmp_path / "two" / "models" / "key" / "artifact" / "libx.so"
    assert after.mtime_ns == path.stat().st_mtime_ns


def refused(until: float | None) -> Entry:
    refusal = Refusal("because", ("Print",), until)
    return Entry("", "model", {}, {}, 0, 0, refusal=refusal)


def test_refusals_are_kept_until_they_expire(tmp_path):
    store = Store(tmp_path)

    def ops(entry: Entry) -> object:
        return entry.refusal and entry.refusal.ops

    later = time.time() + 60
    for key, until in (("lasting", None), ("new", later), ("old", time.time() - 1)):
        store.folder.joinpath("models", key).mkdir(parents=True)
        entry = dataclasses.replace(refused(until), key=key)
        entry.write(store.folder / "models" / key)
    assert store.obtain("lasting", never, ops) == ("Print",)
    assert store.obtain("new", never, ops) == ("Print",)
    assert store.obtain("old", lambda f: entry_of(f, "x"), content_of) == "x"


def test_a_cache_that_cannot_be_written_to_is_a_typed_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedPreconditionError, match="TFNATIVE_CACHE"):
        obtain(Store(tmp_path / "file"))
    with pytest.raises(FailedPreconditionError, match="cannot be written to"):
        obtain(Store(Path("/proc/tfnative")))


def test_entries_of_a_cache_that_cannot_be_written_to_are_found(tmp_path):
    store = Store(tmp_path)
    obtain(store)
    shutil.rmtree(tmp_path / "locks")
    (tmp_path / "locks").write_text("no folder")
    assert store.obtain("key", never, content_of) == "fresh"


def test_a_full_disk_is_a_typed_error(tmp_path):
    def fill(folder: Path) -> Entry:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = Store(tmp_path)
    with pytest.raises(ResourceExhaustedError, match="cache clear"):
        store.obtain("key", fill, content_of)
    assert names(store) == []


def test_a_disk_that_is_really_full(tmp_path):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", tmp_path],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small disk here")
    try:
        store = Store(tmp_path)
        with pytest.raises(ResourceExhaustedError, match="No space left"):
            obtain(store, "x" * 1_000_000)
        assert names(store) == []
        assert obtain(store, "small") == "small"
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_the_entry_that_was_used_last_is_found_by_the_beginning_of_its_key(tmp_path):
    store = Store(tmp_path)
    for key in ("a-1", "a-2", "b-1"):
        obtain(store, key, key)
    now = time.time()
    for key, age in (("a-1", 10), ("a-2", 20), ("b-1", 0)):
        used = now - age
        os.utime(tmp_path / "models" / key / "used", (used, used))
    assert store.find_like("a-").key == "a-1"
    store.obtain("a-2", never, content_of)
    assert store.find_like("a-").key == "a-2"
    assert store.find_like("c-") is None
    assert store.entries()[0].key == "a-2"


@pytest.mark.slow
def test_makers_killers_and_clearers_at_random(tmp_path, start):
    rng = random.Random(1)
    store = Store(tmp_path)
    end = time.monotonic() + 20
    answered = 0
    while time.monotonic() < end:
        processes = [
            start(f"key{rng.randrange(2)}", rng.choice([0, 0.1, 0.5])) for _ in range(4)
        ]
        killed = rng.choice(processes)
        time.sleep(rng.uniform(0.1, 1.2))
        killed.kill()
        for key in ("key0", "key1"):
            if rng.random() < 0.7:
                store.remove(key)
        for process in processes:
            out = process.communicate(timeout=60)[0]
            if process is not killed:
                assert process.returncode == 0
                assert out.splitlines()[-1].startswith("content of key")
                answered += 1
    store.sweep()
    assert set(names(store)) <= {"key0", "key1"}
    assert answered > 10
