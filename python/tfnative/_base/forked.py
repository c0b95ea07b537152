# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a child of fork finds: TensorFlow's threads gone, and locks that are free.

TensorFlow's threads do not live on in a fork, and what waits for them waits for ever.
So does what waits for a lock that another thread held as the process was copied.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from contextlib import AbstractContextManager
from typing import Protocol

_with_tensorflow = False


def _note() -> None:
    global _with_tensorflow  # noqa: PLW0603 - it is about this process
    _with_tensorflow = _with_tensorflow or "tensorflow" in sys.modules


os.register_at_fork(after_in_child=_note)


def with_tensorflow() -> bool:
    """Whether TensorFlow was imported before this process was forked."""
    return _with_tensorflow


class Renewed(Protocol):
    """What has locks or threads of its own, and lets go of them in a child of fork."""

    def renew(self) -> None:
        """In a child of fork: other threads that used it are not there."""


_renewed: weakref.WeakSet[Renewed] = weakref.WeakSet()


def renew_in_child(owner: Renewed) -> None:
    """Has an object renewed in every child of fork."""
    _renewed.add(owner)


def _renew_all() -> None:
    for each in list(_renewed):
        each.renew()


os.register_at_fork(after_in_child=_renew_all)


class RenewedLock:
    """A lock for what an object has, which is free in a child of fork.

    What it guards may be half changed there: for what does no harm then, such as
    counters, and for what a child makes anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        renew_in_child(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        """See ``Renewed``."""
        self._lock = threading.Lock()


def lock_held_by_fork() -> AbstractContextManager[object]:
    """A lock for what a child of fork has to find whole: fork waits for its holder.

    For modules, once: fork waits for it ever after.
    """
    lock = threading.RLock()
    os.register_at_fork(
        before=lock.acquire,
        after_in_parent=lock.release,
        after_in_child=lock.release,
    )
    return lock


importing = lock_held_by_fork()
"""For imports within functions: Python's own locks for modules stay locked in a child
of fork, if a thread of the parent was importing."""
