# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Stages that work at once, with few values between them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
_BETWEEN = 2
_SECONDS = 0.1


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(values: Iterator[T]) -> Generator[T, None, None]:
    """The same values, made in a thread of their own, two ahead of who takes them.

    What is raised there is raised here. Whoever closes this ends the thread.
    """
    between: queue.Queue[Any] = queue.Queue(_BETWEEN)
    stopped = threading.Event()

    def put(value: Any) -> bool:
        while not stopped.is_set():
            try:
                between.put(value, timeout=_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        error: BaseException | None = None
        try:
            for value in values:
                if not put(value):
                    break
        except BaseException as raised:
            error = raised
        finally:
            close = getattr(values, "close", None)
            if close is not None:
                close()
        put(_End(error))

    thread = threading.Thread(target=make, name="tfnative-score", daemon=True)
    thread.start()
    try:
        while True:
            value = between.get()
            if isinstance(value, _End):
                if value.error is not None:
                    raise value.error
                return
            yield value
    finally:
        stopped.set()
        thread.join()
