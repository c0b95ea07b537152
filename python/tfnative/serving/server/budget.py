# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How many bytes of requests a server holds at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tfnative.errors import ResourceExhaustedError


class ByteBudget:
    """Bytes that requests share. Thread-safe.

    Args:
        limit: How many there are.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._held = 0

    @property
    def held(self) -> int:
        """How many are taken at this moment."""
        return self._held

    @contextmanager
    def share(self) -> Iterator[Share]:
        """What one request takes; it is given back at the end of the block."""
        share = Share(self)
        try:
            yield share
        finally:
            self._take(-share.held)

    def _take(self, count: int) -> None:
        with self._lock:
            if count > 0 and self._held + count > self._limit:
                raise ResourceExhaustedError(
                    f"the requests at this moment have {self._held} bytes, and a"
                    f" request needs {count} more; the server holds at most"
                    f" {self._limit}: try again later"
                )
            self._held += count


class Share:
    """What one request has of a ``ByteBudget``. For one thread at a time."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.held = 0

    def grow(self, count: int) -> None:
        """Takes so many more bytes.

        Raises:
            ResourceExhaustedError: There are not so many left.
        """
        self._budget._take(count)
        self.held += count
