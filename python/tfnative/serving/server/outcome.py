# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a call came to in another thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tfnative.errors import Error, InternalError

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """A value, or what was raised.

    An event loop takes some exceptions for its own, or stops because of them, if they
    reach it as such: what a model raises must not.
    """

    value: T | None = None
    error: BaseException | None = None

    @classmethod
    def of(cls, call: Callable[[], T]) -> Outcome[T]:
        """Of a call, which is done now."""
        try:
            return cls(call())
        except BaseException as error:
            return cls(error=error)

    def get(self) -> T:
        """The value.

        Raises:
            Error: That of the call.
            InternalError: It raised something else.
        """
        if self.error is None:
            return self.value  # type: ignore[return-value]
        if isinstance(self.error, Error):
            raise self.error
        raise InternalError("the model failed") from self.error
