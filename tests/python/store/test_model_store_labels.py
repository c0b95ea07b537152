# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Requests find versions by label, and are divided between them."""

from __future__ import annotations

from collections import Counter

import pytest

import tfnative
from tests.python.store.releases import answer

ALL = tfnative.AllVersions()


@pytest.fixture
def store(releases):
    releases.add(1, 2, 3)
    with releases.store(policy=ALL, labels={"stable": 1, "canary": 3}) as store:
        yield store


def test_requests_find_versions_by_label(store):
    assert answer(store) == 3
    assert answer(store, label="stable") == 1
    assert store.model(label="canary") is store.model(3)
    assert dict(store.labels) == {"stable": 1, "canary": 3}


def test_labels_move_all_at_once(store):
    store.set_labels({"stable": 3, "old": 1})
    assert answer(store, label="stable") == 3
    assert dict(store.labels) == {"stable": 3, "old": 1}
    with pytest.raises(tfnative.NotFoundError, match=r"label 'canary'; .*old=1, stab"):
        store.model(label="canary")


def test_a_label_cannot_stand_for_what_is_not_available(store, releases):
    releases.add_broken(4)
    store.poll()
    for version in (4, 5):
        with pytest.raises(
            tfnative.FailedPreconditionError, match=f"version {version}"
        ):
            store.set_labels({"stable": 1, "canary": version})
    assert dict(store.labels) == {"stable": 1, "canary": 3}


def test_labels_on_unavailable_versions_can_be_allowed_at_first(releases):
    releases.add(1)
    with pytest.raises(tfnative.FailedPreconditionError, match="label 'next'"):
        releases.store(labels={"next": 2})
    with releases.store(
        policy=ALL, labels={"stable": 1, "next": 2}, allow_unavailable_labels=True
    ) as store:
        with pytest.raises(tfnative.FailedPreconditionError, match="but not there"):
            store.model(label="next")
        # Those who use a label must not lose it.
        with pytest.raises(tfnative.FailedPreconditionError, match="label 'stable'"):
            store.set_labels({"stable": 2, "next": 2})
        releases.add(2)
        store.poll()
        assert answer(store, label="next") == 2
        store.set_labels({"stable": 2, "next": 2})


def test_a_label_outlives_its_version_but_does_not_answer(store, releases, caplog):
    releases.remove(1)
    store.poll()
    assert "version 1 is unloaded, but in use by label 'stable'" in caplog.text
    with pytest.raises(
        tfnative.FailedPreconditionError,
        match=r"'stable' stands for version 1, which is not available, but END; ",
    ):
        answer(store, label="stable")
    releases.add(1)
    store.poll()
    assert answer(store, label="stable") == 1


def test_the_labels_of_a_store_cannot_be_changed_behind_its_back(store):
    given = {"stable": 1}
    store.set_labels(given)
    given["stable"] = 2
    assert store.labels["stable"] == 1
    with pytest.raises(TypeError):
        store.labels["stable"] = 2


def test_requests_are_divided_by_key(store):
    store.split({"stable": 0.8, "canary": 0.2})
    users = [f"user-{n}" for n in range(200)]
    first = [answer(store, key=user) for user in users]
    assert [answer(store, key=user) for user in users] == first
    assert set(first) == {1, 3}
    assert [store.route(user)[0] for user in users] == first
    assert store.route("user-1")[1] is store.model(first[1])
    assert dict(store.weights) == {"stable": 0.8, "canary": 0.2}


def test_requests_without_a_key_are_divided_at_random(store):
    store.split({1: 3, 2: 1, "canary": 0})
    counts = Counter(answer(store) for _ in range(1000))
    assert set(counts) == {1, 2}
    assert 650 < counts[1] < 850


def test_those_who_name_a_version_or_label_get_it(store):
    store.split({"stable": 1})
    assert answer(store) == 1
    assert answer(store, label="canary") == 3
    assert answer(store, version=2) == 2
    assert store.model() is store.model(3)


def test_a_key_stays_with_its_label_when_the_label_moves(store):
    store.split({"stable": 1, "canary": 1})
    users = [f"user-{n}" for n in range(100)]
    before = [store.route(user)[0] for user in users]
    store.set_labels({"stable": 1, "canary": 2})
    after = [store.route(user)[0] for user in users]
    assert after == [{1: 1, 3: 2}[version] for version in before]


def test_without_a_split_the_newest_takes_all(store):
    assert store.weights is None
    assert answer(store, key="anyone") == 3
    store.split({"stable": 1})
    assert answer(store, key="anyone") == 1
    store.split(None)
    assert answer(store, key="anyone") == 3


def test_a_target_that_is_unloaded_is_left_out(store, releases, caplog):
    store.split({"stable": 1, 2: 1, "canary": 1})
    users = [f"user-{n}" for n in range(100)]
    before = [store.route(user)[0] for user in users]
    releases.remove(1)
    store.poll()
    assert "version 1 is unloaded, but in use by label 'stable'" in caplog.text
    without_1 = [answer(store, key=user) for user in users]
    assert set(without_1) == {2, 3}
    assert all(was in (1, now) for was, now in zip(before, without_1, strict=True))
    releases.remove(2)
    store.poll()
    assert "version 2 is unloaded, but in use by the split" in caplog.text
    assert {answer(store, key=user) for user in users} == {3}
    releases.add(1, 2)
    store.poll()
    assert [store.route(user)[0] for user in users] == before


def test_a_weight_of_zero_gets_nothing_even_if_nothing_else_is_left(store, releases):
    store.split({1: 1, "canary": 0})
    releases.remove(1)
    store.poll()
    with pytest.raises(tfnative.FailedPreconditionError, match="are divided among"):
        answer(store)


def test_a_split_needs_targets_that_are_available(store, releases):
    releases.add_broken(4)
    store.poll()
    with pytest.raises(tfnative.NotFoundError, match="no label 'beta'"):
        store.split({"stable": 1, "beta": 1})
    with pytest.raises(tfnative.NotFoundError, match="no version 5"):
        store.split({5: 1})
    with pytest.raises(tfnative.FailedPreconditionError, match="version 4 is not avai"):
        store.split({4: 1})
    assert store.weights is None


def test_a_label_that_requests_are_divided_by_cannot_be_dropped(store):
    store.split({"stable": 1, "canary": 1})
    with pytest.raises(
        tfnative.FailedPreconditionError, match="change the split first"
    ):
        store.set_labels({"stable": 1})
    assert set(store.labels) == {"stable", "canary"}
