# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A store among threads and processes."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

import tfnative
from tests.python.store.releases import answer, states
from tfnative._backends.native.model import NativeModel


def poll_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "tfnative-poll"]


@pytest.fixture(autouse=True)
def closed_stores_only():
    """Makes sure that a test counts its own threads, not those of another one."""
    gc.collect()
    assert eventually(lambda: not poll_threads())


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def run(script: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_no_request_fails_while_versions_are_switched(releases):
    releases.add(1)
    x = np.zeros((5, 3), "f4")
    with releases.store() as store:
        seen: list[list[int]] = [[] for _ in range(4)]
        failures = []
        stop = threading.Event()

        def work(answers: list[int]) -> None:
            try:
                while not stop.is_set():
                    result = store.predict(x, signature="affine")
                    assert (result == result[0, 0]).all()
                    answers.append(int(result[0, 0]))
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(each,)) for each in seen]
        for thread in threads:
            thread.start()

        def all_see(version: int) -> bool:
            return eventually(lambda: all(s and s[-1] == version for s in seen))

        for version in (2, 3):
            assert all_see(version - 1)
            releases.add(version)
            store.poll()
            releases.remove(version - 1)
        assert all_see(3)
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        for answers in seen:
            assert answers == sorted(answers)  # Once replaced, it is not seen again.
            assert set(answers) == {1, 2, 3}


def test_the_old_version_answers_while_the_new_one_is_loading(releases, monkeypatch):
    releases.add(1)
    warm = NativeModel.warmup
    is_warming, may_finish = threading.Event(), threading.Event()

    def wait(model: tfnative.Model) -> None:
        is_warming.set()
        assert may_finish.wait(10)
        warm(model)

    with releases.store(poll_seconds=0.01) as store:
        monkeypatch.setattr(NativeModel, "warmup", wait)
        releases.add(2)
        assert is_warming.wait(10)
        assert states(store) == {1: "AVAILABLE", 2: "LOADING"}
        assert answer(store) == 1
        store.set_labels({"stable": 1})
        may_finish.set()
        assert store.wait_until_available(2, timeout=10) is store.model(2)
        assert eventually(lambda: states(store) == {1: "END", 2: "AVAILABLE"})


def test_a_thread_finds_new_versions(releases):
    with releases.store(poll_seconds=0.01, allow_empty=True) as store:
        begin = time.monotonic()
        releases.add(1)
        assert store.wait_until_available(timeout=10) is not None
        releases.add(2)
        store.wait_until_available(2, timeout=10)
        assert answer(store) == 2
        assert time.monotonic() - begin < 5


def test_waiting_ends_in_time_and_says_what_is_wrong(releases):
    releases.add(1)
    with releases.store() as store:
        assert store.wait_until_available(timeout=0) is store.model()
        releases.add_broken(2)
        store.poll()
        with pytest.raises(tfnative.DeadlineExceededError, match=r"2 END .*checksum"):
            store.wait_until_available(2, timeout=0.01)


def test_waiting_ends_when_the_store_is_closed(releases):
    store = releases.store(allow_empty=True)
    ended = []

    def wait() -> None:
        with pytest.raises(tfnative.FailedPreconditionError, match="is closed"):
            store.wait_until_available(timeout=10)
        ended.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    store.close()
    thread.join()
    assert ended == [True]


def test_closing_ends_the_thread_at_once(releases):
    releases.add(1)
    store = releases.store(poll_seconds=1000)
    assert len(poll_threads()) == 1
    begin = time.monotonic()
    store.close()
    assert time.monotonic() - begin < 5
    assert poll_threads() == []


def test_closing_while_the_folder_is_looked_at_is_safe(releases, caplog):
    releases.add(1)
    for _ in range(20):
        store = releases.store(poll_seconds=1e-4)
        releases.add(2)
        store.close()
        assert poll_threads() == []
        assert set(states(store).values()) == {"END"}
        releases.remove(2)
    assert "Traceback" not in caplog.text


def test_closing_while_a_version_is_loading_lets_go_of_it(releases, monkeypatch):
    is_warming, may_finish = threading.Event(), threading.Event()

    def wait(model: tfnative.Model) -> None:
        is_warming.set()
        assert may_finish.wait(10)

    monkeypatch.setattr(NativeModel, "warmup", wait)
    store = releases.store(poll_seconds=0.01, allow_empty=True)
    releases.add(1)
    assert is_warming.wait(10)
    threading.Timer(0.05, may_finish.set).start()
    store.close()
    assert poll_threads() == []
    assert states(store) == {1: "END"}
    with pytest.raises(tfnative.FailedPreconditionError, match="is closed"):
        store.model()


def test_a_version_that_is_ready_while_the_store_closes_ends(releases, monkeypatch):
    releases.add(1)
    is_warming, may_finish = threading.Event(), threading.Event()

    def wait(model: tfnative.Model) -> None:
        is_warming.set()
        assert may_finish.wait(10)

    store = releases.store(poll_seconds=0.01)
    monkeypatch.setattr(NativeModel, "warmup", wait)
    releases.add(2)
    assert is_warming.wait(10)
    seen = []

    def note(version: int, status: tfnative.VersionStatus) -> None:
        seen.append((version, str(status.state)))
        if (version, status.state) == (1, "UNLOADING"):
            may_finish.set()
            assert eventually(lambda: states(store)[2] != "LOADING")

    store.on_change(note)
    store.close()
    assert sorted(seen) == [(1, "END"), (1, "UNLOADING"), (2, "END")]


def test_a_callback_may_close_the_store(releases, caplog):
    releases.add(1)
    store = releases.store(poll_seconds=0.01)
    store.on_change(lambda *_: store.close())
    releases.add(2)
    assert eventually(lambda: not poll_threads())
    assert set(states(store).values()) == {"END"}
    assert "Traceback" not in caplog.text


def test_a_store_that_is_closed_in_a_callback_does_no_more(releases, monkeypatch):
    releases.add(1, 2, 3)
    loaded = []
    monkeypatch.setattr(NativeModel, "warmup", lambda model: loaded.append(model.path))
    store = releases.store(policy=tfnative.AllVersions())
    assert len(loaded) == 3
    seen = []

    def note(version: int, status: tfnative.VersionStatus) -> None:
        seen.append((version, str(status.state)))
        if status.state in ("AVAILABLE", "UNLOADING"):
            store.close()

    store.on_change(note)
    releases.add(4, 5)
    store.poll()
    assert len(loaded) == 4
    assert seen.count((5, "AVAILABLE")) == 1
    assert (4, "LOADING") not in seen
    for version in (1, 2, 3, 5):
        assert seen.count((version, "UNLOADING")) == 1
        assert seen.count((version, "END")) == 1


def test_a_store_that_is_closed_while_it_unloads_unloads_once(releases):
    releases.add(1, 2, 3)
    store = releases.store(policy=tfnative.AllVersions())
    seen = []

    def note(version: int, status: tfnative.VersionStatus) -> None:
        seen.append((version, str(status.state)))
        store.close()

    store.on_change(note)
    store.set_policy(tfnative.SpecificVersions(3))
    store.poll()
    assert sorted(seen) == [
        (version, state) for version in (1, 2, 3) for state in ("END", "UNLOADING")
    ]


def test_a_store_that_is_dropped_ends_its_thread(releases):
    releases.add(1)
    store = releases.store(poll_seconds=0.01)
    assert len(poll_threads()) == 1
    del store
    gc.collect()
    assert eventually(lambda: not poll_threads())


def test_the_thread_survives_what_goes_wrong_in_it(releases, monkeypatch, caplog):
    releases.add(1)
    with releases.store(poll_seconds=0.01) as store:

        def fail(found: object) -> None:
            raise ZeroDivisionError("from the policy")

        monkeypatch.setattr(tfnative.Latest, "select", lambda self, found: fail(found))
        assert eventually(lambda: "from the policy" in caplog.text)
        monkeypatch.undo()
        releases.add(2)
        store.wait_until_available(2, timeout=10)


def test_a_store_does_not_keep_the_process_alive(releases):
    releases.add(1)
    script = """
        import sys, tfnative
        store = tfnative.ModelStore(sys.argv[1], poll_seconds=0.001)
        print(store.predict([[1, 1, 1]], signature="affine").tolist())
    """
    assert run(script, releases.base) == "[[3.0, 3.0, 3.0]]\n"


def test_a_child_of_fork_predicts_and_does_not_hang(releases):
    """The parent's thread is loading most of the time while others are forked."""
    releases.add(1, 2)
    script = """
        import os, sys, threading, tfnative, warnings
        warnings.simplefilter("ignore")  # Python's own, of threads and fork.
        base = sys.argv[1]
        store = tfnative.ModelStore(base, labels={"stable": 2}, threads=2)
        stop = threading.Event()

        def load():
            policies = [tfnative.Latest(2), tfnative.Latest(1)]
            while not stop.is_set():
                for policy in policies:
                    store.set_policy(policy)
                    store.poll()

        thread = threading.Thread(target=load)
        thread.start()
        for _ in range(12):
            child = os.fork()
            if child == 0:
                states = {str(s.state) for s in store.versions.values()}
                assert states <= {"AVAILABLE", "END"}, states
                y = store.predict([[1.0] * 3], label="stable", signature="affine")
                assert y.tolist() == [[4.0, 4.0, 4.0]]
                assert all(t is threading.current_thread()
                           for t in threading.enumerate())
                store.set_policy(tfnative.AllVersions())
                store.poll()
                states = {v: str(s.state) for v, s in store.versions.items()}
                assert states == {1: "AVAILABLE", 2: "AVAILABLE"}, states
                store.close()
                sys.exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        stop.set()
        thread.join()
        store.close()
        print("done")
    """
    assert run(script, releases.base) == "done\n"


def test_fork_waits_for_a_library_that_is_being_opened(releases):
    """Its locks would be locked in the child for ever."""
    releases.add(1, 2)
    script = """
        import os, sys, threading, time, tfnative, warnings
        from tfnative._store import version_loader as _version_loader
        warnings.simplefilter("ignore")
        load, opening, is_opening = _version_loader.load, [], threading.Event()

        def slow_load(*arguments, **options):
            opening.append(True)
            is_opening.set()
            time.sleep(0.2)
            model = load(*arguments, **options)
            opening.clear()
            return model

        _version_loader.load = slow_load
        store = tfnative.ModelStore(sys.argv[1])
        is_opening.clear()
        store.set_policy(tfnative.AllVersions())
        thread = threading.Thread(target=store.poll)
        thread.start()
        assert is_opening.wait(10)
        child = os.fork()
        if child == 0:
            os._exit(1 if opening else 7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        thread.join()
        print("done")
    """
    assert run(script, releases.base) == "done\n"
