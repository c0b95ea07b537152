# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Calls are spread over addresses, and kept from those that do not answer."""

from __future__ import annotations

import pytest

import tfnative
from tfnative.serving.endpoints import Endpoint, Endpoints
from tfnative.serving.options import Breaker

GONE = tfnative.UnavailableError("gone")
LATE = tfnative.DeadlineExceededError("late")
NO = tfnative.NotFoundError("no")
CANCELLED = tfnative.CancelledError("never mind")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def endpoint(clock: Clock, name: str = "a", failures: int = 2) -> Endpoint[str]:
    return Endpoint(name, name, Breaker(failures=failures, seconds=10), clock)


def several(clock: Clock, names: str = "abc") -> Endpoints[str]:
    return Endpoints([endpoint(clock, name) for name in names])


def call(one: Endpoint[str], error: BaseException | None) -> bool:
    """Whether the call went through."""
    begun = one.begin()
    if begun:
        one.end(error)
    return begun


def test_calls_go_to_each_in_turn(clock):
    endpoints = several(clock)
    found = []
    for _ in range(6):
        one = endpoints.begin()
        found.append(one.address)
        one.end(None)
    assert found == ["a", "b", "c", "a", "b", "c"]


def test_calls_go_where_the_fewest_are(clock):
    endpoints = several(clock)
    a, b, c = (endpoints.begin() for _ in range(3))
    assert [a.address, b.address, c.address] == ["a", "b", "c"]
    b.end(None)
    assert endpoints.begin() is b
    assert (a.calls, b.calls, c.calls) == (1, 1, 1)


def test_those_that_were_tried_come_last(clock):
    endpoints = several(clock)
    a, b, c = endpoints
    assert endpoints.begin([a, b]) is c
    assert endpoints.begin([a, c]) is b
    assert endpoints.begin([a, b, c]) is a


def test_it_opens_after_failures_in_a_row(clock):
    one = endpoint(clock)
    for error in (GONE, None, LATE, NO, GONE, CANCELLED):
        assert call(one, error)
        assert not one.is_open
    assert call(one, LATE)
    assert one.is_open
    assert not call(one, None)
    assert one.calls == 0


def test_one_call_finds_out_whether_it_is_back(clock):
    one = endpoint(clock)
    assert call(one, GONE)
    assert call(one, GONE)
    clock.seconds += 9.9
    assert one.is_open
    clock.seconds += 0.1
    assert not one.is_open
    assert one.begin()
    assert not one.begin()
    one.end(GONE)
    assert one.is_open
    clock.seconds += 10
    assert call(one, None)
    assert not one.is_open
    assert call(one, GONE)
    assert not one.is_open


def test_a_call_that_was_cancelled_finds_out_nothing(clock):
    one = endpoint(clock, failures=1)
    assert call(one, GONE)
    clock.seconds += 10
    assert call(one, CANCELLED)
    assert one.begin()
    assert not one.begin()
    one.end(NO)
    assert one.begin()
    assert one.begin()


def test_a_breaker_of_no_failures_never_opens(clock):
    one = endpoint(clock, failures=0)
    assert all(call(one, GONE) for _ in range(9))
    assert not one.is_open


def test_where_all_are_given_up_it_is_said(clock):
    endpoints = several(clock, "ab")
    for one in endpoints:
        assert call(one, GONE)
        assert call(one, GONE)
    with pytest.raises(tfnative.UnavailableError, match="a, b: given up for now"):
        endpoints.begin()
    with pytest.raises(tfnative.InvalidArgumentError, match="got none"):
        Endpoints([])
