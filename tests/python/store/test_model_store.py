# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A store serves what its folder has, without a gap."""

from __future__ import annotations

import gc
import time
import weakref

import numpy as np
import pytest

import tfnative
from tests.python.store.releases import answer, states

STORE_LOG = "tfnative.model_store"


# What is served.


def test_the_newest_version_is_served(releases):
    releases.add(2, 1)
    with releases.store() as store:
        assert answer(store) == 2
        assert states(store) == {2: "AVAILABLE"}
        status = store.versions[2]
        assert (status.version, status.path) == (2, releases.folder(2))
        assert status.error is None
        assert 0 <= time.time() - status.loaded_at.timestamp() < 60


def test_the_answer_is_written_where_it_is_wanted(releases):
    releases.add(1)
    out = np.zeros((2, 3), np.float32)
    with releases.store() as store:
        x = np.ones((2, 3), np.float32)
        assert store.predict(x, signature="affine", out=out) is out
    np.testing.assert_array_equal(out, 2 * x + 1)


def test_versions_are_numbers_not_text(releases):
    releases.add(9, 10)
    with releases.store(policy=tfnative.AllVersions()) as store:
        assert list(store.versions) == [9, 10]
        assert store.model() is store.model(10)


def test_a_new_version_replaces_the_old_one(releases):
    releases.add(1)
    with releases.store() as store:
        releases.add(2)
        assert answer(store) == 1
        store.poll()
        assert answer(store) == 2
        assert states(store) == {1: "END", 2: "AVAILABLE"}


def test_other_folders_and_files_are_ignored(releases):
    releases.add(1)
    for name in ("tmp", "v2", "2.tmp", "-3", "²", "9" * 30):
        (releases.base / name).mkdir()
    (releases.base / "4").write_text("a file")
    with releases.store(policy=tfnative.AllVersions()) as store:
        assert states(store) == {1: "AVAILABLE"}


def test_of_two_spellings_of_a_number_the_shorter_counts(releases):
    releases.add(7)
    (releases.base / "007").mkdir()
    with releases.store() as store:
        assert store.versions[7].path == releases.folder(7)


def test_the_folder_may_be_relative_to_a_place_that_is_left(releases, monkeypatch):
    monkeypatch.chdir(releases.base.parent)
    releases.add(1)
    with tfnative.ModelStore("fake", poll_seconds=None) as store:
        monkeypatch.chdir("/")
        releases.add(2)
        store.poll()
        assert answer(store) == 2
        assert store.base_path == releases.base


# Policies.


def test_latest_serves_that_many(releases):
    releases.add(1, 2, 3)
    with releases.store(policy=tfnative.Latest(2)) as store:
        assert states(store) == {2: "AVAILABLE", 3: "AVAILABLE"}
        assert [answer(store, version=v) for v in (2, 3)] == [2, 3]


def test_all_versions_are_served(releases):
    releases.add(1, 2)
    with releases.store(policy=tfnative.AllVersions()) as store:
        releases.add(3)
        store.poll()
        assert [answer(store, version=v) for v in (1, 2, 3)] == [1, 2, 3]


def test_specific_versions_are_served_and_no_others(releases, caplog):
    releases.add(1, 2)
    with releases.store(policy=tfnative.SpecificVersions(1, 3)) as store:
        assert states(store) == {1: "AVAILABLE"}
        assert "lacks versions that are to be served: 3" in caplog.text
        releases.add(3, 4)
        store.poll()
        assert states(store) == {1: "AVAILABLE", 3: "AVAILABLE"}
        assert answer(store) == 3


def test_the_policy_can_be_changed_to_go_back(releases):
    releases.add(1, 2)
    with releases.store() as store:
        store.set_policy(tfnative.SpecificVersions(1))
        assert answer(store) == 2
        store.poll()
        assert answer(store) == 1
        assert states(store) == {1: "AVAILABLE", 2: "END"}
        assert store.policy == tfnative.SpecificVersions(1)


# Versions that go.


def test_a_version_whose_folder_is_gone_is_unloaded(releases):
    releases.add(1, 2)
    with releases.store(policy=tfnative.AllVersions()) as store:
        releases.remove(1)
        store.poll()
        assert states(store) == {1: "END", 2: "AVAILABLE"}
        with pytest.raises(tfnative.FailedPreconditionError, match="version 1 is not"):
            store.model(1)


def test_a_broken_newcomer_does_not_keep_a_version_whose_folder_is_gone(releases):
    releases.add(1, 2)
    with releases.store(policy=tfnative.AllVersions()) as store:
        releases.add_broken(3)
        releases.remove(1)
        store.poll()
        assert states(store) == {1: "END", 2: "AVAILABLE", 3: "END"}


def test_when_the_newest_is_removed_the_one_before_serves_without_a_gap(releases):
    releases.add(1, 2)
    with releases.store() as store:
        answers = []
        store.on_change(lambda *_: answers.append(answer(store)))
        releases.remove(2)
        store.poll()
        # Version 1 at START, LOADING and AVAILABLE; version 2 at UNLOADING and END.
        assert answers == [2, 2, 2, 1, 1]
        assert states(store) == {1: "AVAILABLE", 2: "END"}


def test_the_last_one_serves_on_though_removed_if_no_other_can(releases):
    releases.add_broken(1)
    releases.add(2)
    with releases.store() as store:
        releases.remove(2)
        store.poll()
        assert answer(store) == 2
        assert states(store) == {1: "END", 2: "AVAILABLE"}


def test_a_version_in_use_lives_until_its_user_drops_it(releases):
    releases.add(1)
    with releases.store() as store:
        held = store.model()
        alive = weakref.ref(held)
        releases.add(2)
        store.poll()
        releases.remove(1)
        store.poll()
        assert not held.closed
        assert held.predict([[1, 1, 1]], signature="affine").tolist() == [[3, 3, 3]]
        del held
        gc.collect()
        assert alive() is None


def test_when_all_folders_are_gone_nothing_is_served(releases, caplog):
    releases.add(1)
    with releases.store() as store:
        releases.remove(1)
        store.poll()
        with pytest.raises(tfnative.FailedPreconditionError, match="no version is"):
            store.predict([[1, 1, 1]], signature="affine")
        assert "has no folder whose name is a number" in caplog.text
        releases.add(1)
        store.poll()
        assert answer(store) == 1


def test_while_the_base_folder_is_away_everything_serves_on(releases, caplog):
    releases.add(1)
    with releases.store() as store:
        away = releases.base.rename(releases.base.with_name("away"))
        store.poll()
        store.poll()
        assert answer(store) == 1
        assert caplog.text.count("no versions to be found") == 1
        away.rename(releases.base)
        releases.add(2)
        store.poll()
        assert answer(store) == 2


def test_of_versions_long_gone_only_some_are_remembered(releases):
    releases.add(1000)
    with releases.store(policy=tfnative.AllVersions()) as store:
        for version in range(1, 31):
            releases.folder(version).mkdir()
        store.poll()
        assert len(store.versions) == 31
        for version in range(1, 31):
            releases.folder(version).rmdir()
        store.poll()
        assert list(store.versions) == [*range(21, 31), 1000]


# Who is told.


def test_callbacks_see_each_change_when_it_has_happened(releases):
    releases.add(1)
    with releases.store() as store:
        seen = []

        def note(version: int, status: tfnative.VersionStatus) -> None:
            assert store.versions[version] is status
            store.poll()  # Does nothing.
            seen.append((version, str(status.state), answer(store)))

        stop = store.on_change(note)
        releases.add(2)
        store.poll()
        assert seen == [
            (2, "START", 1),
            (2, "LOADING", 1),
            (2, "AVAILABLE", 2),
            (1, "UNLOADING", 2),
            (1, "END", 2),
        ]
        stop()
        stop()
        releases.add(3)
        store.poll()
        assert len(seen) == 5


def test_a_callback_that_raises_is_logged_and_others_are_called(releases, caplog):
    releases.add(1)
    with releases.store() as store:
        seen = []

        def fail(version: int, status: tfnative.VersionStatus) -> None:
            raise ZeroDivisionError("from the callback")

        store.on_change(fail)
        store.on_change(lambda version, status: seen.append(status.state))
        releases.add(2)
        store.poll()
        assert answer(store) == 2
        assert len(seen) == 5
        assert caplog.text.count("ZeroDivisionError: from the callback") == 5


def test_closing_tells_of_the_end(releases):
    releases.add(1)
    store = releases.store()
    seen = []
    store.on_change(lambda version, status: seen.append((version, str(status.state))))
    store.close()
    store.close()
    assert seen == [(1, "UNLOADING"), (1, "END")]
