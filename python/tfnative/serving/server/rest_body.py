# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The body of a POST request: bytes that came, within limits of size and of time."""

from __future__ import annotations

import asyncio
import time
import zlib
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from starlette.requests import Request

from tfnative.errors import (
    CancelledError,
    DeadlineExceededError,
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)
from tfnative.serving.server.budget import Share
from tfnative.serving.server.lanes import Lanes, Turns
from tfnative.serving.server.replies import OwnWordsError

LEAST_BYTES_PER_SECOND = 32 << 10
"""A body may take longer than the timeout as long as it comes faster than this."""
MOVED_BYTES = 1 << 20
"""From so many on bytes that came are put into the body by another thread."""
_UNFOLD_BYTES = 1 << 20
_ASK_BYTES = 64 << 10
_GZIP = 16 + zlib.MAX_WBITS
_MOST_MEMBERS = 1000
"""Of gzip data. Whoever packs a body once makes one; tiny ones cost more than bytes."""


class BodyTooLargeError(ResourceExhaustedError):
    """A body has more bytes than a request may have."""


class BodyTimeoutError(DeadlineExceededError):
    """A body came too slowly."""


class EncodingError(OwnWordsError, UnimplementedError):
    """A body is compressed in a way that the server does not know."""


class DisconnectedError(CancelledError):
    """The client went away before the end of its body."""


@dataclass(frozen=True)
class BodyLimits:
    """What a body may be.

    Attributes:
        max_bytes: How large, as it comes and unfolded.
        timeout_seconds: How long it may take; see ``LEAST_BYTES_PER_SECOND``.
    """

    max_bytes: int
    timeout_seconds: float


class Bytes:
    """Bytes that grow, of which none is copied when they are taken as a whole.

    Args:
        limit: How many there may be.
        share: What they are counted in.
        capacity: How many are expected. Until they come, they take no memory.
    """

    def __init__(self, limit: int, share: Share, capacity: int = 0) -> None:
        self._limit = limit
        self._share = share
        if capacity > limit:
            raise self._too_large()
        self._data: npt.NDArray[np.uint8] = np.empty(capacity, np.uint8)
        self._size = 0
        self._claimed = 0

    def claim(self, count: int) -> None:
        """Counts bytes that will be put here.

        Raises:
            BodyTooLargeError: There are more than there may be.
            ResourceExhaustedError: The server has too many of other requests.
        """
        if self._claimed + count > self._limit:
            raise self._too_large()
        self._share.grow(count)
        self._claimed += count

    def put(self, chunk: bytes | bytearray) -> None:
        """Adds bytes that were claimed before."""
        end = self._size + len(chunk)
        if end > len(self._data):
            larger = np.empty(max(end, min(2 * end, self._limit)), np.uint8)
            larger[: self._size] = self._data[: self._size]
            self._data = larger
        self._data[self._size : end] = np.frombuffer(chunk, np.uint8)
        self._size = end

    def all(self) -> memoryview:
        """What there is."""
        return self._data[: self._size].data

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(
            f"the body has more than {self._limit} bytes, which is the most that a"
            " request may have"
        )


async def read_body(
    request: Request, limits: BodyLimits, share: Share, lanes: Lanes
) -> memoryview:
    """All of a body, as it was before the client compressed it.

    Raises:
        BodyTooLargeError: It has more bytes than it may have.
        BodyTimeoutError: It comes too slowly.
        DisconnectedError: The client went away.
        EncodingError: It is compressed, and not with gzip.
        InvalidArgumentError: It is damaged.
        ResourceExhaustedError: The server has too many bytes of other requests.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise EncodingError(f"expected Content-Encoding gzip or none, got {encoding!r}")
    body = await _receive(request, limits, share, lanes)
    if encoding == "identity":
        return body
    # Few bytes can become many: never in the event loop.
    return await lanes.run_in_thread(
        len(body), lambda: unfold(body, limits.max_bytes, share)
    )


async def _receive(
    request: Request, limits: BodyLimits, share: Share, lanes: Lanes
) -> memoryview:
    length = request.headers.get("content-length", "")
    promised = int(length[:20]) if length.isdecimal() else 0
    body, waiting = Bytes(limits.max_bytes, share, promised), bytearray()
    started, received, turns = time.monotonic(), 0, Turns(lanes)
    while True:
        left = limits.timeout_seconds + received / LEAST_BYTES_PER_SECOND
        async with _Within(started + left - time.monotonic()):
            message = await request.receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError(
                f"the client went away after {received} bytes of its body"
            )
        chunk = message.get("body", b"")
        received += len(chunk)
        body.claim(len(chunk))
        waiting += chunk
        is_last = not message.get("more_body", False)
        # The last bytes of a large body may not fit, so that all are put elsewhere.
        if (received if is_last else len(waiting)) >= MOVED_BYTES:
            await lanes.move(partial(body.put, waiting))
            waiting = bytearray()
        if is_last:
            body.put(waiting)
            return body.all()
        await turns.moved(len(chunk))


class _Within:
    """Ends what is awaited in it when its time is over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False

    async def __aenter__(self) -> None:
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, self._seconds), self._end)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._is_over and kind is asyncio.CancelledError:
            uncancel: Any = getattr(self._task, "uncancel", None)  # From Python 3.11.
            if uncancel is not None:
                uncancel()
            raise BodyTimeoutError("the body of the request comes too slowly") from None

    def _end(self) -> None:
        self._is_over = True
        if self._task is not None:
            self._task.cancel()


def unfold(body: memoryview, limit: int, share: Share) -> memoryview:
    """What was compressed with gzip.

    Raises:
        BodyTooLargeError: It has more than ``limit`` bytes.
        InvalidArgumentError: It is damaged, or cut off.
        ResourceExhaustedError: The server has too many bytes of other requests.
    """
    found = Bytes(limit, share, min(limit, 4 * len(body)))
    unfolding, members = zlib.decompressobj(_GZIP), 1
    try:
        for begin in range(0, len(body), _ASK_BYTES):
            data = bytes(body[begin : begin + _ASK_BYTES])
            while data:
                if unfolding.eof:  # Another member follows.
                    unfolding, members = zlib.decompressobj(_GZIP), members + 1
                    if members > _MOST_MEMBERS:
                        raise InvalidArgumentError(
                            f"the gzip data has more than {_MOST_MEMBERS} members"
                        )
                _append(found, unfolding.decompress(data, _UNFOLD_BYTES))
                data = unfolding.unconsumed_tail or unfolding.unused_data
        while not unfolding.eof:
            rest = unfolding.decompress(b"", _UNFOLD_BYTES)
            if not rest:
                raise InvalidArgumentError("the gzip data of the body is cut off")
            _append(found, rest)
    except zlib.error:
        raise InvalidArgumentError("the body is no gzip data") from None
    return found.all()


def _append(to: Bytes, chunk: bytes) -> None:
    to.claim(len(chunk))
    to.put(chunk)
