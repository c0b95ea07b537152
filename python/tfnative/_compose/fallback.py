# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Another model answers where the first one cannot."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from tfnative._base.forked import RenewedLock
from tfnative._base.initialized import Initialized
from tfnative._model import Model
from tfnative._signature import Signature
from tfnative.errors import (
    DeadlineExceededError,
    Error,
    FailedPreconditionError,
    InvalidArgumentError,
    UnavailableError,
)

FAILURES = (UnavailableError, DeadlineExceededError)
"""What has the next model asked. Other errors would be those of the next one, too."""


class FallbackMetrics(NamedTuple):
    """How often which model answered.

    Attributes:
        answered: For each model, in order: the calls that it answered.
        failed: And those that it did not, so that the next one was asked.
        skipped: And those for which it was not asked, having failed too often.
    """

    answered: tuple[int, ...]
    failed: tuple[int, ...]
    skipped: tuple[int, ...]


class Fallback(Initialized, Model):
    """Asks the first of several models; and the next one, if that cannot be reached.

    ``tfnative.Fallback([client.model("digits"), tfnative.load("build/digits")])`` asks
    the server, and predicts in this process where the server does not answer in time.
    After several failures in a row a model is not asked for a while; then one call
    finds out whether it is back. Thread-safe.

    Args:
        models: In the order in which they are asked. All have the signatures of the
            last one.
        timeout: For how many seconds to wait for models that take a ``timeout``, where
            a call does not say. Of that time the last model gets none: it is to be one
            that answers by itself.
        failures: After so many failures in a row a model is not asked; 0 for never.
        retry_seconds: For so long.
        now: The clock, in seconds; tests bring their own.

    Raises:
        InvalidArgumentError: There are fewer than two models, or one lacks a signature.
    """

    backend = "fallback"

    def __init__(
        self,
        models: Sequence[Model],
        *,
        timeout: float | None = None,
        failures: int = 3,
        retry_seconds: float = 5.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        if len(models) < 2:
            raise InvalidArgumentError(
                f"Fallback: expected two models or more, got {len(models)}"
            )
        self._models = tuple(models)
        last = self._models[-1]
        for model in self._models[:-1]:
            for signature in last.signatures.values():
                _check_same(model, signature)
        self.signatures: Mapping[str, Signature] = last.signatures
        self.path = last.path
        self._name = last.name
        self._timeout = timeout
        self._failures = failures
        self._retry_seconds = retry_seconds
        self._now = now
        self._lock = RenewedLock()
        self._in_a_row = [0] * len(models)
        self._skipped_until = [0.0] * len(models)
        self._counts: Counter[tuple[str, int]] = Counter()
        self._is_closed = False

    @property
    def name(self) -> str:
        """That of the last model."""
        return self._name

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._is_closed

    def signature(self, name: str | None = None) -> Signature:
        """See ``Model.signature``."""
        return self._models[-1].signature(name)

    def predict(
        self,
        inputs: Any,
        /,
        *,
        signature: str | None = None,
        out: Any = None,
        timeout: float | None = None,
    ) -> Any:
        """See ``Model.predict``.

        Raises:
            Error: What the last model that was asked raises.
        """
        if self._is_closed:
            raise FailedPreconditionError(f"{self.name} is closed")
        seconds = self._timeout if timeout is None else timeout
        until = None if seconds is None else self._now() + seconds
        for index, model in enumerate(self._models[:-1]):
            if not self._admits(index):
                continue
            options = _timeout_of(model, until, self._now)
            try:
                answer = model.predict(inputs, signature=signature, out=out, **options)
            except FAILURES:
                self._note_failure(index)
            else:
                self._note_answer(index)
                return answer
        answer = self._models[-1].predict(inputs, signature=signature, out=out)
        self._note_answer(len(self._models) - 1)
        return answer

    @property
    def assets(self) -> Mapping[str, Any]:
        """Those of the last model."""
        return self._models[-1].assets

    def metrics(self) -> FallbackMetrics:
        """How often which model answered, since the beginning."""
        with self._lock:
            return FallbackMetrics(
                *(
                    tuple(self._counts[what, i] for i in range(len(self._models)))
                    for what in FallbackMetrics._fields
                )
            )

    def warmup(self) -> None:
        """Warms all models up; those that cannot be reached are left for later."""
        for model in self._models[:-1]:
            try:
                model.warmup()
            except FAILURES:
                continue
        self._models[-1].warmup()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Fallback cannot be pickled or copied: make one in each process, of "
            "models that are pickled"
        )

    def close(self) -> None:
        """Closes all models."""
        models = self._models
        self._is_closed = True
        for model in models:
            model.close()

    def __repr__(self) -> str:
        return f"<tfnative.Fallback of {', '.join(map(repr, self._models))}>"

    # --- Failures ---------------------------------------------------------------------

    def _admits(self, index: int) -> bool:
        with self._lock:
            now = self._now()
            if now < self._skipped_until[index]:
                self._counts["skipped", index] += 1
                return False
            if self._skipped_until[index]:  # One call finds out, others go by.
                self._skipped_until[index] = now + self._retry_seconds
            return True

    def _note_failure(self, index: int) -> None:
        with self._lock:
            self._counts["failed", index] += 1
            self._in_a_row[index] += 1
            if self._failures and self._in_a_row[index] >= self._failures:
                self._skipped_until[index] = self._now() + self._retry_seconds

    def _note_answer(self, index: int) -> None:
        with self._lock:
            self._counts["answered", index] += 1
            self._in_a_row[index] = 0
            self._skipped_until[index] = 0.0


def _timeout_of(
    model: Model, until: float | None, now: Callable[[], float]
) -> dict[str, Any]:
    """The option ``timeout`` for models that have it: those on a server."""
    if until is None or model.backend != "serving":
        return {}
    return {"timeout": max(0.0, until - now())}


def _check_same(model: Model, signature: Signature) -> None:
    try:
        found = model.signature(signature.name)
    except Error as error:
        raise InvalidArgumentError(f"Fallback: {error}") from None
    for what in ("inputs", "outputs"):
        expected, names = getattr(signature, what).keys(), getattr(found, what).keys()
        if expected != names:
            raise InvalidArgumentError(
                f"Fallback: {model!r}, signature {signature.name!r}: expected the"
                f" {what} {', '.join(expected)}, got {', '.join(names)}"
            )
