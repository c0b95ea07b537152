# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A candidate is asked the same as the model that answers, and compared with it."""

from __future__ import annotations

import contextlib
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from tfnative._base.forked import RenewedLock, renew_in_child
from tfnative._base.initialized import Initialized
from tfnative._model import Model
from tfnative._signature import Signature
from tfnative.errors import Error, InvalidArgumentError

MAX_WAITING = 64
"""Calls that wait to be compared. More are not: memory is not to grow."""


@dataclass(frozen=True)
class Comparison:
    """A call, and what two models answered.

    Attributes:
        inputs: What they were asked.
        expected: What the primary answered.
        found: What the candidate answered, or the error that it raised.
        max_difference: The largest difference between numbers; infinite where shapes
            differ, strings differ, or the candidate failed.
        seconds: How long the candidate took.
    """

    inputs: Any
    expected: Any
    found: Any
    max_difference: float
    seconds: float


@dataclass
class ShadowMetrics:
    """What came of the comparisons so far.

    Attributes:
        calls: That the primary answered.
        compared: Of those, the ones that the candidate was asked, too.
        dropped: That should have been compared, but the candidate was too slow.
        errors: That the candidate failed.
        different: That differed by more than the tolerance, failures included.
        max_difference: The largest difference that was finite.
        candidate_seconds: How long the candidate took for all.
    """

    calls: int = 0
    compared: int = 0
    dropped: int = 0
    errors: int = 0
    different: int = 0
    max_difference: float = 0.0
    candidate_seconds: float = 0.0
    _lock: RenewedLock = field(default_factory=RenewedLock, repr=False)


class Shadow(Initialized, Model):
    """Answers as the primary does, and has a candidate answer some of the calls, too.

    The candidate is asked in a thread of its own, after the primary has answered: it
    never delays an answer, and its errors are counted, not raised. Thread-safe.

    Args:
        primary: Whose answers are returned.
        candidate: Who is compared with it.
        sample: The share of calls that are compared, 0 to 1.
        rtol: By how much numbers may differ, relative to the primary's.
        atol: And absolutely.
        on_difference: Called with those that differ by more, by the candidate's thread.

    Raises:
        InvalidArgumentError: ``sample`` is not in 0 to 1.
    """

    def __init__(
        self,
        primary: Model,
        candidate: Model,
        *,
        sample: float = 0.01,
        rtol: float = 1e-3,
        atol: float = 1e-5,
        on_difference: Callable[[Comparison], object] | None = None,
    ) -> None:
        if not 0 <= sample <= 1:
            raise InvalidArgumentError(
                f"Shadow: sample must be in 0 to 1, got {sample}"
            )
        self._primary = primary
        self._candidate = candidate
        self._sample = sample
        self._rtol, self._atol = rtol, atol
        self._on_difference = on_difference
        self._metrics = ShadowMetrics()
        self.renew()
        renew_in_child(self)
        self.backend = primary.backend
        self.path = primary.path
        self._name = primary.name
        self.signatures: Mapping[str, Signature] = primary.signatures

    @property
    def name(self) -> str:
        """That of the primary model."""
        return self._name

    @property
    def closed(self) -> bool:
        """Whether the primary is closed."""
        return self._primary.closed

    def signature(self, name: str | None = None) -> Signature:
        """See ``Model.signature``."""
        return self._primary.signature(name)

    @property
    def assets(self) -> Mapping[str, Any]:
        """Those of the primary."""
        return self._primary.assets

    def predict(
        self,
        inputs: Any,
        /,
        *,
        signature: str | None = None,
        out: Any = None,
        **options: Any,
    ) -> Any:
        """See ``Model.predict``; options are those of the primary."""
        answer = self._primary.predict(inputs, signature=signature, out=out, **options)
        with self._metrics._lock:
            self._metrics.calls += 1
        if self._sample and random.random() < self._sample:
            self._compare_later(inputs, signature, answer)
        return answer

    def metrics(self) -> ShadowMetrics:
        """What came of the comparisons so far; a snapshot."""
        now = self._metrics
        with now._lock:
            return ShadowMetrics(
                now.calls,
                now.compared,
                now.dropped,
                now.errors,
                now.different,
                now.max_difference,
                now.candidate_seconds,
            )

    def renew(self) -> None:
        """In a child of fork: what waits is compared in the parent alone."""
        self._waiting: queue.Queue[tuple[Any, str | None, Any] | None]
        self._waiting = queue.Queue(MAX_WAITING)
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def warmup(self) -> None:
        """Warms both up. That the candidate cannot be is no error."""
        self._primary.warmup()
        with contextlib.suppress(Error):
            self._candidate.warmup()

    def flush(self) -> None:
        """Waits until all calls that are to be compared have been."""
        self._waiting.join()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Shadow cannot be pickled or copied: make one in each process, of models "
            "that are pickled"
        )

    def close(self) -> None:
        """Ends the comparisons, those that wait included, and closes both models."""
        with self._start:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join()
        self._primary.close()
        self._candidate.close()

    def __repr__(self) -> str:
        return f"<tfnative.Shadow {self._candidate!r} of {self._primary!r}>"

    # --- Comparisons ------------------------------------------------------------------

    def _compare_later(self, inputs: Any, signature: str | None, answer: Any) -> None:
        # Copies: the caller may write to both as soon as it has the answer.
        call = _copied(inputs), signature, _copied(answer)
        try:
            self._waiting.put_nowait(call)
        except queue.Full:
            with self._metrics._lock:
                self._metrics.dropped += 1
            return
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="tfnative-shadow", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        while True:
            call = self._waiting.get()
            try:
                if call is None:
                    return
                self._compare(*call)
            finally:
                self._waiting.task_done()

    def _compare(self, inputs: Any, signature: str | None, expected: Any) -> None:
        start = time.perf_counter()
        found: Any
        try:
            found = self._candidate.predict(inputs, signature=signature)
        except Exception as error:
            found = error
        seconds = time.perf_counter() - start
        difference, is_close = self._difference(expected, found)
        now = self._metrics
        with now._lock:
            now.compared += 1
            now.errors += isinstance(found, Exception)
            now.different += not is_close
            now.candidate_seconds += seconds
            if np.isfinite(difference):
                now.max_difference = max(now.max_difference, difference)
        if not is_close and self._on_difference is not None:
            one = Comparison(inputs, expected, found, difference, seconds)
            with contextlib.suppress(Exception):
                self._on_difference(one)

    def _difference(self, expected: Any, found: Any) -> tuple[float, bool]:
        """The largest difference, and whether it is within the tolerance."""
        if isinstance(found, Exception):
            return np.inf, False
        if not isinstance(expected, Mapping):
            return _difference(expected, found, self._rtol, self._atol)
        if not isinstance(found, Mapping) or found.keys() != expected.keys():
            return np.inf, False
        each = [
            _difference(expected[name], found[name], self._rtol, self._atol)
            for name in expected
        ]
        return max((d for d, _ in each), default=0.0), all(close for _, close in each)


def _difference(
    expected: npt.NDArray[Any], found: Any, rtol: float, atol: float
) -> tuple[float, bool]:
    if not isinstance(found, np.ndarray) or found.shape != expected.shape:
        return np.inf, False
    if expected.dtype.kind in "OSU" or found.dtype.kind in "OSU":
        same = bool((expected == found).all())
        return (0.0 if same else np.inf), same
    if expected.size == 0:
        return 0.0, True
    if expected.dtype.kind == "c":
        off = np.abs(expected - found)
        return float(off.max()), bool((off <= atol + rtol * np.abs(expected)).all())
    wide, other = expected.astype(np.float64), found.astype(np.float64)
    same = (wide == other) | (np.isnan(wide) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        off = np.where(same, 0.0, np.abs(wide - other))
        is_close = same | ((off <= atol + rtol * np.abs(wide)) & np.isfinite(off))
    return float(np.nan_to_num(off, nan=np.inf).max()), bool(is_close.all())


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: np.array(array) for name, array in value.items()}
    return np.array(value)
