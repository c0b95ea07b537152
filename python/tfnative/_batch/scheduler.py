# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Threads that run batches."""

from __future__ import annotations

from tfnative._base.numbers import whole_number
from tfnative._base.text import check_text
from tfnative._core import BatchScheduler as CoreBatchScheduler, Clock
from tfnative.errors import InvalidArgumentError

_MOST_THREADS = 1024


class BatchScheduler(CoreBatchScheduler):
    """Threads that run the batches of any number of batchers, a batch each in turn.

    Thread-safe. The threads end with the last batcher that uses them.

    Args:
        num_batch_threads: How many batches may run at once. Default: half of the
            machine's hardware threads, at least one.
        thread_pool_name: For debuggers, and for the metrics' label.
        clock: What time it is, and how to wait. Tests give a ``FakeClock``.

    Raises:
        InvalidArgumentError: ``num_batch_threads`` is not in 1 to 1024.
        ResourceExhaustedError: Threads cannot be started.
    """

    def __init__(
        self,
        num_batch_threads: int | None = None,
        *,
        thread_pool_name: str = "batch_threads",
        clock: Clock | None = None,
    ) -> None:
        count = 0
        if num_batch_threads is not None:
            count = whole_number(num_batch_threads) or -1
        if not -1 < count <= _MOST_THREADS:
            raise InvalidArgumentError(
                f"num_batch_threads must be in 1 to {_MOST_THREADS}, got"
                f" {num_batch_threads!r:.100}"
            )
        check_text("thread_pool_name", thread_pool_name)
        super().__init__(count, thread_pool_name, clock)
