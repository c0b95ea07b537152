# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Connections that are made anew when the client's certificates change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tfnative.serving.fresh_files import FreshFiles

if TYPE_CHECKING:
    from tfnative.serving.options import Tls

T = TypeVar("T")


@dataclass
class Lease(Generic[T]):
    """A connection, what it was made of, and how many calls are on their way."""

    connection: T
    made_of: Any
    calls: int = 0


class Renewed(Generic[T]):
    """The connection for new calls. Those on their way keep theirs. Thread-safe.

    Args:
        tls: The client's certificates; None for none, which never change.
        read: Makes what a connection needs of them.
        connect: Makes a connection of that.
    """

    def __init__(
        self, tls: Tls | None, read: Callable[[], Any], connect: Callable[[Any], T]
    ) -> None:
        files = () if tls is None else tls.files
        self._secrets = FreshFiles("certificates of a client", files, read)
        self._connect = connect
        self._lock = threading.Lock()
        secrets = self._secrets.get()
        self._lease = Lease(connect(secrets), secrets)
        self._old: list[Lease[T]] = []

    def take(self) -> Lease[T]:
        """What a call goes over; to be given back."""
        secrets = self._secrets.get()
        with self._lock:
            if secrets is not self._lease.made_of:
                self._old.append(self._lease)
                self._lease = Lease(self._connect(secrets), secrets)
            self._lease.calls += 1
            return self._lease

    def give_back(self, lease: Lease[T]) -> None:
        """The call is over."""
        with self._lock:
            lease.calls -= 1

    def superfluous(self) -> list[T]:
        """Old connections without calls, to be closed; each is returned once."""
        if not self._old:
            return []
        with self._lock:
            gone = [lease.connection for lease in self._old if not lease.calls]
            self._old = [lease for lease in self._old if lease.calls]
        return gone

    def all(self) -> list[T]:
        """All connections that were not superfluous yet."""
        with self._lock:
            return [lease.connection for lease in (*self._old, self._lease)]
