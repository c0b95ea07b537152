# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A store without versions, closed stores, and wrong arguments say what is wrong."""

from __future__ import annotations

import pickle

import pytest

import tfnative
from tests.python.store.releases import answer, states


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(tfnative.NotFoundError, match="No such file"):
        tfnative.ModelStore(tmp_path / "none")


def test_a_folder_without_versions_is_an_error(releases):
    with pytest.raises(tfnative.NotFoundError, match="no folder whose name is a num"):
        releases.store()
    releases.add(1)
    with pytest.raises(tfnative.NotFoundError, match="to be served: 2, 3"):
        releases.store(policy=tfnative.SpecificVersions(3, 2))


def test_an_artifact_in_the_place_of_versions_is_pointed_out(fake):
    with pytest.raises(tfnative.NotFoundError, match="is an artifact itself"):
        tfnative.ModelStore(fake)


def test_a_folder_with_broken_versions_only_is_an_error(releases):
    releases.add_broken(1)
    with pytest.raises(tfnative.LoadError, match=r"1 END .*checksum"):
        releases.store()


def test_a_store_may_be_empty_at_first_if_that_is_allowed(releases):
    with releases.store(allow_empty=True) as store:
        with pytest.raises(tfnative.FailedPreconditionError, match="no version is"):
            store.model()
        releases.add_broken(1)
        store.poll()
        assert states(store) == {1: "END"}
        releases.add(2)
        store.poll()
        assert answer(store) == 2


def test_a_closed_store_says_so(releases):
    releases.add(1)
    with releases.store(labels={"stable": 1}) as store:
        held = store.model()
        assert "1 available" in repr(store)
    assert "closed" in repr(store)
    assert states(store) == {1: "END"}
    for call in (
        store.model,
        store.route,
        store.poll,
        store.wait_until_available,
        lambda: store.model(1),
        lambda: store.predict([[1, 1, 1]], label="stable"),
        lambda: store.set_labels({}),
        lambda: store.split(None),
    ):
        with pytest.raises(tfnative.FailedPreconditionError, match="is closed"):
            call()
    assert held.predict([[1, 1, 1]], signature="affine").tolist() == [[3, 3, 3]]


def test_it_cannot_be_pickled(releases):
    releases.add(1)
    with releases.store() as store:
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(store)
        pickle.dumps(store.versions[1])


def test_a_version_that_is_not_there_is_named_with_those_that_are(releases):
    releases.add(1)
    message = r"no version 7; .*1 AVAILABLE"
    with (
        releases.store() as store,
        pytest.raises(tfnative.NotFoundError, match=message),
    ):
        store.model(7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policy": 2}, "policy must be Latest"),
        ({"poll_seconds": 0}, "poll_seconds must be a number greater than 0"),
        ({"poll_seconds": float("nan")}, "poll_seconds must be a number"),
        ({"retry_seconds": "1"}, "retry_seconds must be .* got '1'"),
        ({"threads": "two"}, "threads must be .* got 'two'"),
        ({"threads": 0}, "threads must be .* 1 to 1024 .* got 0"),
        ({"threads": 1 << 40}, "threads must be"),
        ({"cpu_level": 3}, "cpu_level must be a str or None, got 3"),
        ({"backend": "fast"}, "backend must be 'native', 'tensorflow' or 'auto'"),
        ({"labels": ["stable"]}, "labels must be a dict"),
        ({"labels": {3: "stable"}}, "a label must be a str, got 3"),
        ({"labels": {"stable": "1"}}, "version must be a whole number, got '1'"),
    ],
)
def test_wrong_options_are_named(releases, options, message):
    releases.add(1)
    with pytest.raises(tfnative.InvalidArgumentError, match=message):
        releases.store(**options)


def test_a_path_must_be_one():
    for path in (None, 3, b"models"):
        with pytest.raises(tfnative.InvalidArgumentError, match="must be a path"):
            tfnative.ModelStore(path)


@pytest.mark.parametrize(
    "make",
    [
        lambda: tfnative.Latest(0),
        lambda: tfnative.Latest(1.5),
        lambda: tfnative.Latest(True),
        tfnative.SpecificVersions,
        lambda: tfnative.SpecificVersions(-1),
        lambda: tfnative.SpecificVersions([1, 2]),
    ],
)
def test_wrong_policies_are_refused(make):
    with pytest.raises(tfnative.InvalidArgumentError, match="whole number"):
        make()


def test_wrong_lookups_are_refused(releases):
    releases.add(1)
    with releases.store(labels={"stable": 1}) as store:
        for call, message in (
            (lambda: store.model("stable"), "version must be a whole number"),
            (lambda: store.model(True), "version must be a whole number"),
            (lambda: store.model(label=1), "label must be a str"),
            (lambda: store.model(1, label="stable"), "not both"),
            (lambda: answer(store, key="a", label="stable"), "not both"),
            (lambda: answer(store, key=1.5), "key must be"),
            (lambda: store.on_change(3), "callback must be a function"),
            (lambda: store.wait_until_available("1"), "version must be"),
            (lambda: store.wait_until_available(timeout=-1), "timeout must be"),
            (lambda: store.set_policy(None), "policy must be"),
        ):
            with pytest.raises(tfnative.InvalidArgumentError, match=message):
                call()


def test_versions_share_the_threads_they_are_given(releases):
    releases.add(1, 2)
    pool = tfnative.ThreadPool(2)
    with releases.store(policy=tfnative.Latest(2), threads=pool) as store:
        assert store.model(1).threads == store.model(2).threads == 2
        assert answer(store) == 2
