# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A version that is no good takes no requests, and the old one serves on."""

from __future__ import annotations

import gc
import logging
import shutil
import time
import weakref

import numpy as np

import tfnative
from tests.python.conftest import WEIGHTS
from tests.python.store.releases import answer, states
from tfnative._backends.native.model import NativeModel


def test_a_damaged_library_leaves_the_old_version_serving(releases, caplog):
    releases.add(1)
    with releases.store() as store:
        releases.add_broken(2)
        store.poll()
        assert answer(store) == 1
        assert states(store) == {1: "AVAILABLE", 2: "END"}
        assert isinstance(store.versions[2].error, tfnative.LoadError)
        assert "checksum" in str(store.versions[2].error)
        (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
        assert record.name == "tfnative.model_store"
        assert "version 2 is not served" in record.message


def test_the_last_good_versions_serve_on_when_the_newest_is_broken(releases):
    releases.add(1, 2)
    with releases.store(policy=tfnative.Latest(2)) as store:
        releases.add_broken(3)
        store.poll()
        assert states(store) == {1: "AVAILABLE", 2: "AVAILABLE", 3: "END"}
        releases.add(4)
        store.poll()
        assert states(store) == {
            1: "END",
            2: "AVAILABLE",
            3: "END",
            4: "AVAILABLE",
        }


def test_a_version_that_fails_its_selftest_is_not_served(releases):
    releases.add(1)
    golden = releases.add(2) / "golden" / "affine.npz"
    x = np.ones((2, 3), "f4")
    np.savez(golden, **{"input:x": x, "output:y": x})
    with releases.store(policy=tfnative.AllVersions()) as store:
        assert answer(store) == 1
        error = store.versions[2].error
        assert isinstance(error, tfnative.LoadError)
        assert "output 'y' of signature 'affine' is off by 3" in str(error)
    with releases.store(selftest=False) as store:
        assert answer(store) == 2


def test_damaged_weights_are_found_by_the_selftest(releases):
    releases.add(1)
    library = releases.add(2) / "libfake.so"
    content = bytearray(library.read_bytes())
    content[content.index(WEIGHTS) + 100] ^= 1
    library.write_bytes(content)
    with releases.store(policy=tfnative.AllVersions()) as store:
        assert answer(store) == 1
        assert "weights are damaged" in str(store.versions[2].error)


def test_a_version_that_cannot_be_warmed_up_is_not_served(releases, monkeypatch):
    releases.add(1)
    with releases.store() as store:

        def fail(model: tfnative.Model) -> None:
            raise tfnative.InternalError("too cold")

        monkeypatch.setattr(NativeModel, "warmup", fail)
        releases.add(2)
        store.poll()
        assert answer(store) == 1
        assert str(store.versions[2].error) == "too cold"
        assert isinstance(store.versions[2].error, tfnative.InternalError)
    with releases.store(warmup=False) as store:
        assert answer(store) == 2


def test_exceptions_of_other_kinds_are_load_errors(releases, monkeypatch):
    releases.add(1)
    with releases.store() as store:

        def fail(model: tfnative.Model) -> None:
            raise ZeroDivisionError("by zero")

        monkeypatch.setattr(NativeModel, "warmup", fail)
        releases.add(2)
        store.poll()
        error = store.versions[2].error
        assert isinstance(error, tfnative.LoadError)
        assert "ZeroDivisionError: by zero" in str(error)


def test_a_version_that_failed_leaves_nothing_in_memory(releases, monkeypatch):
    releases.add(1)
    refused = []

    def fail(model: tfnative.Model) -> None:
        refused.append(weakref.ref(model))
        raise tfnative.InternalError("too cold")

    with releases.store() as store:
        monkeypatch.setattr(NativeModel, "warmup", fail)
        releases.add(2)
        store.poll()
        gc.collect()
        assert [model() for model in refused] == [None]
        assert store.versions[2].error is not None


def test_a_version_that_is_being_copied_is_served_when_it_is_complete(releases):
    releases.add(1)
    complete = releases.add(2)
    library = (complete / "libfake.so").read_bytes()
    golden = complete / "golden"
    shutil.move(golden, releases.base / "golden")
    (complete / "libfake.so").unlink()
    with releases.store(policy=tfnative.Latest(2), retry_seconds=None) as store:
        assert "no lib*.so" in str(store.versions[2].error)
        (complete / "libfake.so").write_bytes(library[:5000])
        store.poll()
        assert "no lib*.so" not in str(store.versions[2].error)
        assert answer(store) == 1
        (complete / "libfake.so").write_bytes(library)
        store.poll()
        assert "golden" in str(store.versions[2].error)
        assert answer(store) == 1
        shutil.move(releases.base / "golden", golden)
        store.poll()
        assert answer(store) == 2
        assert store.versions[2].error is None


def test_a_failed_version_is_tried_again_only_when_its_files_change(releases):
    releases.add(1)
    broken = releases.add_broken(2)
    with releases.store(policy=tfnative.Latest(2), retry_seconds=None) as store:
        first = store.versions[2]
        store.poll()
        store.poll()
        assert store.versions[2] is first
        assert first.attempts == 1
        shutil.rmtree(broken)
        releases.add(2)
        store.poll()
        assert answer(store) == 2
        assert store.versions[2].attempts == 1


def test_a_failed_version_is_tried_again_after_a_while(releases, monkeypatch):
    releases.add(1)
    with releases.store(retry_seconds=10) as store:
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        releases.add_broken(2)
        attempts = []
        for _ in range(8):
            store.poll()
            attempts.append(store.versions[2].attempts)
            now += 10
        # After 10 seconds, then 20, then 40.
        assert attempts == [1, 2, 2, 3, 3, 3, 3, 4]


def test_the_same_failure_is_logged_once(releases, caplog):
    caplog.set_level(logging.INFO)
    releases.add(1)
    broken = releases.add_broken(2)
    with releases.store(policy=tfnative.Latest(2)) as store:
        for _ in range(3):
            (broken / "manifest.json").write_text("copied again")
            store.poll()
        assert store.versions[2].attempts == 1
    assert caplog.text.count("checksum") == 1


def test_a_version_may_be_turned_away_before_anything_of_it_is_read(releases):
    releases.add(1)
    seen = []

    def only_the_first(folder):
        seen.append(folder)
        if folder.name != "1":
            raise tfnative.PermissionDeniedError(f"{folder.name} is not ours")

    with releases.store(before_load=only_the_first) as store:
        releases.add_broken(2)  # Opening it would be a LoadError.
        store.poll()
        assert seen == [releases.folder(1), releases.folder(2)]
        assert answer(store) == 1
        assert isinstance(store.versions[2].error, tfnative.PermissionDeniedError)
