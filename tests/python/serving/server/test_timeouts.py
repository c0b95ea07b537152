# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Timeouts of clients are numbers above 0, and very long ones are as good as none."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

import tfnative
from tfnative import serving
from tfnative.serving.timeouts import MOST_SECONDS, seconds_of

X = np.ones((1, 3), np.float32)
LONG = [1e6, MOST_SECONDS, 1e10, 2.0**63, 1e300, float("inf"), 10**400]
NONE = [0, -1, 0.0, -0.0, float("nan"), -float("inf"), -(10**400), "a", "1", True, [1]]


def test_every_long_timeout_is_a_number_that_the_system_takes_or_none():
    for value in (1e-9, 1, np.float32(2.5), np.int64(3), *LONG):
        seconds = seconds_of(value)
        assert seconds is None or 0 < seconds <= MOST_SECONDS
    assert seconds_of(None) is None
    for value in NONE:
        with pytest.raises(tfnative.InvalidArgumentError, match="timeout must be"):
            seconds_of(value)


@pytest.fixture
def address(serve, settings, request) -> str:
    return getattr(serve(settings), request.param)


def of_client(address: str, value: Any, call: Any, **options: Any) -> Any:
    with serving.Client(address, timeout=value, **options) as client:
        return client.predict("affine", {"x": X}, signature="affine", timeout=call)


def of_async_client(address: str, value: Any, call: Any, **options: Any) -> Any:
    async def ask() -> Any:
        async with serving.AsyncClient(address, timeout=value, **options) as client:
            return await client.predict(
                "affine", {"x": X}, signature="affine", timeout=call
            )

    return asyncio.run(ask())


@pytest.mark.parametrize("address", ["grpc", "rest"], indirect=True)
@pytest.mark.parametrize("ask", [of_client, of_async_client])
def test_clients_wait_for_very_long(address, ask):
    hedge = serving.Hedge(5.0)
    for value in (MOST_SECONDS, 1e10, float("inf")):
        assert ask(address, value, value)["y"].tolist() == [[4, 4, 4]]
    assert ask(address, 20, 10**400, hedge=hedge)["y"].tolist() == [[4, 4, 4]]


@pytest.mark.parametrize("address", ["grpc", "rest"], indirect=True)
@pytest.mark.parametrize("ask", [of_client, of_async_client])
def test_what_is_no_timeout_is_refused(address, ask):
    for value in NONE:
        for given in ((value, None), (20, value)):
            with pytest.raises(tfnative.InvalidArgumentError, match="timeout must be"):
                ask(address, *given)


@pytest.mark.parametrize("address", ["grpc"], indirect=True)
def test_a_refused_timeout_is_no_failure_of_the_server(address):
    with serving.Client(address, breaker=serving.Breaker(1, 3600)) as client:
        for value in (1e10, float("inf"), float("nan"), -1):
            try:
                client.predict("affine", {"x": X}, signature="affine", timeout=value)
            except tfnative.InvalidArgumentError:
                continue
        assert client.predict("affine", {"x": X}, signature="affine")


@pytest.mark.parametrize(
    "make",
    [
        lambda value: serving.Retry(initial_delay_seconds=value),
        lambda value: serving.Retry(max_delay_seconds=value),
        lambda value: serving.Retry(multiplier=value),
        lambda value: serving.Retry(max_attempts=value),
        lambda value: serving.Breaker(failures=value),
        lambda value: serving.Breaker(seconds=value),
        serving.Hedge,
        lambda value: serving.Hedge(1, max_calls=value),
        lambda value: serving.Client("a:1", keepalive_seconds=value),
        lambda value: serving.Client("a:1", max_message_bytes=value),
    ],
)
def test_what_is_no_number_of_an_option_is_refused(make):
    for value in (float("nan"), float("inf"), -1, "a", True, [1]):
        with pytest.raises(tfnative.InvalidArgumentError):
            make(value)


def test_numbers_that_grpc_cannot_count_are_cut_or_refused():
    serving.Client("a:1", keepalive_seconds=1e300).close()
    with pytest.raises(tfnative.InvalidArgumentError, match="max_message_bytes"):
        serving.Client("a:1", max_message_bytes=2**31)
    assert serving.Retry(multiplier=1e300).longest_delay(5000) == 1.0
