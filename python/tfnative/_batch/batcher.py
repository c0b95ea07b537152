# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batched prediction for the calls of many threads and coroutines."""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tfnative._batch.metrics import BatchMetrics, BatchTrace
from tfnative._batch.options import (
    OPTION_NAMES,
    micros,
    read_batching_parameters,
    set_timeout,
    size,
    sizes,
    switch,
    whole,
)
from tfnative._batch.scheduler import BatchScheduler
from tfnative._batch.source import Predictor, batch_source, model_name
from tfnative._batch.submitting import SubmittingBatcher
from tfnative._core import BatchOptions, Clock
from tfnative._model import Model
from tfnative.errors import Error, InvalidArgumentError


class Batcher(SubmittingBatcher):
    """Gathers the rows of many callers into batches, and gives each caller its own.

    Parameters have the names and the meaning of TensorFlow Serving's batching
    parameters. All methods may be called from any number of threads at once. A batch is
    run by a batch thread, or by a thread that waits in ``predict`` for an answer from
    that very batch, if fewer batches run than there are batch threads.

    ``predict(inputs, *, timeout=None)`` predicts rows in a batch with those of others,
    and lets other threads run Python meanwhile:

    Args:
        inputs: As for ``Model.predict``.
        timeout: Seconds that the rows may wait in the queue. Default: any time.

    Returns:
        As ``Model.predict``.

    Raises:
        InvalidArgumentError: Something does not fit; or more rows than allowed.
        UnavailableError: The queue is full. The message says how many rows wait.
        DeadlineExceededError: The rows waited for ``timeout``.
        FailedPreconditionError: The batcher is closed, or belongs to another process.
        CancelledError: It was closed meanwhile.
        Error: What the run failed with; the other requests of the batch get it, too.
    """

    def __init__(
        self,
        model: Model | Predictor,
        *,
        signature: str | None = None,
        max_batch_size: int | None = None,
        batch_timeout_micros: int | Literal["auto"] = 0,
        latency_target_ms: float | None = None,
        num_batch_threads: int | None = None,
        max_enqueued_batches: int = 100,
        allowed_batch_sizes: Sequence[int] = (),
        enable_large_batch_splitting: bool = False,
        max_execution_batch_size: int | None = None,
        pad_variable_length_inputs: bool = False,
        streaming: bool = False,
        retry_max_time_micros: int = 0,
        retry_delay_micros: int = 100,
        scheduler: BatchScheduler | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Starts the threads, unless ``scheduler`` has them.

        Args:
            model: A model, or what predicts as one does. It is kept.
            signature: As for ``Model.predict``.
            max_batch_size: Rows of the largest batch, and of the largest request.
                Default: the largest batch size that the model was compiled for.
            batch_timeout_micros: How long the first request of a batch waits for
                others while a thread is free. Default: not at all; then batches are
                made of what comes while all threads are busy. "auto": the timeout that
                gives most rows per second within ``latency_target_ms`` is looked for.
            latency_target_ms: With "auto": in how many milliseconds 99 of 100 requests
                are to be answered.
            num_batch_threads: As for ``BatchScheduler``.
            max_enqueued_batches: How many batches may wait for a thread.
            allowed_batch_sizes: Batches are padded to the next of these sizes, with
                copies of a row of theirs. Ascending; the last one is the largest batch.
                Default: batches are run as they are, and the model pads if it has to.
            enable_large_batch_splitting: Whether requests may be larger than batches
                and are divided among several. ``max_batch_size`` is the largest request
                then, ``max_execution_batch_size`` the largest batch.
            max_execution_batch_size: Default: the last of ``allowed_batch_sizes``, else
                ``max_batch_size``.
            pad_variable_length_inputs: Whether requests may be smaller than the model's
                inputs in dimensions other than the batch; they are padded with their
                first element.
            streaming: Whether a batch takes a thread with its first request, which
                copies rows as they come. Nothing is queued then: a request that finds
                no thread is rejected.
            retry_max_time_micros: For how long ``predict`` and ``predict_async`` try
                again when the queue is full.
            retry_delay_micros: The pause between two attempts.
            scheduler: Threads that others use, too.
            clock: As for ``BatchScheduler``.

        Raises:
            InvalidArgumentError: Parameters contradict each other, or rows of the
                signature cannot be batched.
            ResourceExhaustedError: Threads cannot be started.
        """
        options = BatchOptions()
        options.max_batch_size = size("max_batch_size", max_batch_size)
        options.max_enqueued_batches = whole(
            "max_enqueued_batches", max_enqueued_batches, 0
        )
        options.allowed_batch_sizes = sizes("allowed_batch_sizes", allowed_batch_sizes)
        options.enable_large_batch_splitting = switch(
            "enable_large_batch_splitting", enable_large_batch_splitting
        )
        options.max_execution_batch_size = size(
            "max_execution_batch_size", max_execution_batch_size
        )
        options.pad_variable_length_inputs = switch(
            "pad_variable_length_inputs", pad_variable_length_inputs
        )
        options.streaming = switch("streaming", streaming)
        options.retry_max_time_micros = micros(
            "retry_max_time_micros", retry_max_time_micros
        )
        options.retry_delay_micros = micros("retry_delay_micros", retry_delay_micros)
        set_timeout(options, batch_timeout_micros, latency_target_ms)
        if scheduler is None:
            scheduler = BatchScheduler(num_batch_threads, clock=clock)
        elif num_batch_threads is not None or clock is not None:
            raise InvalidArgumentError(
                "num_batch_threads and clock are those of the scheduler"
            )
        self._start(model, signature, options, scheduler)

    @classmethod
    def from_text_proto(
        cls,
        path: str | os.PathLike[str],
        model: Model | Predictor,
        *,
        signature: str | None = None,
        scheduler: BatchScheduler | None = None,
        clock: Clock | None = None,
    ) -> Batcher:
        """A batcher with the parameters of TensorFlow Serving's batching file.

        Args:
            path: A text file with a ``tensorflow.serving.BatchingParameters`` message,
                as for ``tensorflow_model_server --batching_parameters_file``. What it
                leaves out has TensorFlow Serving's defaults: batches of up to 1000
                rows, no timeout, 10 batches in the queue, a thread for each of the
                machine's.
            model: As for the constructor.
            signature: As for the constructor.
            scheduler: As for the constructor; the file's number of threads is ignored.
            clock: As for the constructor.

        Raises:
            NotFoundError: There is no such file.
            InvalidArgumentError: Line and column of what it does not understand; or as
                the constructor.
        """
        options, threads, name = read_batching_parameters(path)
        if scheduler is None:
            scheduler = BatchScheduler(threads, thread_pool_name=name, clock=clock)
        return cls._from_options(options, model, signature, scheduler)

    @classmethod
    def _from_options(
        cls,
        options: BatchOptions,
        model: Model | Predictor,
        signature: str | None,
        scheduler: BatchScheduler,
    ) -> Batcher:
        self = cls.__new__(cls)
        self._start(model, signature, options, scheduler)
        return self

    def _start(
        self,
        model: Model | Predictor,
        signature: str | None,
        options: BatchOptions,
        scheduler: BatchScheduler,
    ) -> None:
        source = batch_source(model, signature)
        self._name = model_name(model)
        self._signature = signature
        self._scheduler = scheduler
        super().__init__(source, options, scheduler)
        _live.add(self)

    @property
    def options(self) -> Mapping[str, Any]:
        """The parameters, as they were checked and filled in, by name."""
        found = self._options()
        return {name: getattr(found, name) for name in OPTION_NAMES} | {
            "num_batch_threads": self._scheduler.num_batch_threads
        }

    def swap(self, model: Model | Predictor) -> None:
        """Has later requests answered by another model.

        Those that came before are answered by the model that they came for, which is
        let go after its last batch. No request is lost.

        Raises:
            InvalidArgumentError: It has other inputs or outputs.
            FailedPreconditionError: The batcher is closed.
        """
        self._swap(batch_source(model, self._signature))
        self._name = model_name(model)

    def metrics(self) -> BatchMetrics:
        """What was counted so far. Does not hold up requests."""
        return BatchMetrics.of(
            self._metrics(), self._name, self._scheduler.thread_pool_name
        )

    def start_trace(self, max_events: int = 100_000) -> None:
        """Records what happens to requests and batches from now on."""
        self._start_trace(max_events)

    def stop_trace(self) -> BatchTrace:
        """What was recorded since ``start_trace``."""
        return BatchTrace.of(self._stop_trace())

    def close(self, drain: bool = True, timeout: float | None = None) -> bool:
        """Takes no more requests, and ends.

        Args:
            drain: Whether those that wait are run first. If not, they fail with
                CancelledError.
            timeout: Seconds after which those that still wait fail. Default: never.

        Returns:
            Whether all requests were run. When it returns, no batch runs any more.
        """
        drained = self._close(drain, timeout)
        self._end_answers()
        return drained

    def __enter__(self) -> Batcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            "a Batcher has threads and cannot be pickled or copied: make one in each "
            "process, of a model that is"
        )

    def __repr__(self) -> str:
        return f"<tfnative.Batcher of {self._name!r}>"


_live: weakref.WeakSet[Batcher] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Batch threads may run Python, which is about to end."""
    for batcher in list(_live):
        with contextlib.suppress(Error):  # In a child of fork(): not its threads.
            batcher.close(drain=False)
