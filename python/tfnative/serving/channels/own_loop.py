# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The event loop to which the connections of a client for coroutines belong."""

from __future__ import annotations

import asyncio

from tfnative.errors import FailedPreconditionError


class OwnLoop:
    """The one of the first call."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def check(self, where: str) -> None:
        """Is called in a coroutine.

        Raises:
            FailedPreconditionError: There were calls in another event loop.
        """
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if self._loop is not loop:
            raise FailedPreconditionError(
                f"{where}: the client belongs to another event loop, that of its first"
                " call: make and close one AsyncClient in each event loop, as within"
                " each asyncio.run"
            )
