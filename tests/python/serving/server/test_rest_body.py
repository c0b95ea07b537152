# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A body is read in parts, as long as they come, without a server."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

for package in ("grpc", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tfnative.serving.server.budget import ByteBudget  # noqa: E402
from tfnative.serving.server.lanes import Lanes  # noqa: E402
from tfnative.serving.server.rest_body import (  # noqa: E402
    BodyLimits,
    BodyTimeoutError,
    BodyTooLargeError,
    DisconnectedError,
    read_body,
)

MOST = 1 << 20


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    with ThreadPoolExecutor(1) as pool:
        found = Lanes(pool)
        yield found
        found.close()


def read(lanes: Lanes, *parts: Any, seconds: float = 60, **headers: str) -> bytes:
    """What is made of parts: bytes, or seconds until the next, or None for an end."""

    async def run() -> bytes:
        waiting = iter(parts)

        async def receive() -> dict[str, Any]:
            part = next(waiting)
            while isinstance(part, float):
                await asyncio.sleep(part)
                part = next(waiting)
            if part is None:
                return {"type": "http.disconnect"}
            is_last = part is parts[-1]
            return {"type": "http.request", "body": part, "more_body": not is_last}

        request: Any = SimpleNamespace(headers=headers, receive=receive)
        with ByteBudget(1 << 30).share() as share:
            asked = read_body(request, BodyLimits(MOST, seconds), share, lanes)
            return bytes(await asyncio.wait_for(asked, 30))

    return asyncio.run(run())


@pytest.mark.parametrize(
    "parts", [[b""], [b"abc"], [b"a", b"", b"bc"], [b"a", 0.05, b"b" * 300_000, b"c"]]
)
def test_it_is_all_that_came(lanes, parts):
    expected = b"".join(part for part in parts if isinstance(part, bytes))
    assert read(lanes, *parts) == expected


def test_it_may_be_compressed(lanes):
    body = b"abc" * 90_000
    parts = gzip.compress(body[:7]), gzip.compress(body[7:])
    assert read(lanes, *parts, **{"content-encoding": "gzip"}) == body


def test_what_comes_too_slowly_is_given_up(lanes):
    began = time.monotonic()
    with pytest.raises(BodyTimeoutError, match="too slowly"):
        read(lanes, b"a", 20.0, b"b", seconds=0.2)
    assert 0.15 < time.monotonic() - began < 15


def test_a_client_that_went_away_is_not_waited_for(lanes):
    with pytest.raises(DisconnectedError, match="after 3 bytes"):
        read(lanes, b"abc", None, b"")


def test_the_largest_body_is_taken_and_one_byte_more_refused(lanes):
    assert len(read(lanes, b"a" * (MOST - 1), b"b")) == MOST
    with pytest.raises(BodyTooLargeError, match=f"more than {MOST} bytes"):
        read(lanes, b"a" * MOST, b"b")
