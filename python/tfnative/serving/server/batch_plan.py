# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How to batch a model's requests, from what its batches were measured to take.

A server without batching runs a request in a thread each, on all cores. Batches pay
where many rows together take less than the same rows one by one; where they do not, a
batch has one core do what several would have done at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from tfnative._batch.options import copied
from tfnative._core import BatchOptions
from tfnative._model import Model
from tfnative._signature import Signature

_NEAR_BEST = 1.1
"""Of sizes whose rows take about as long, the smallest is chosen: it keeps more cores
busy, and nobody waits for the rows of many others."""
_LEAST_GAIN = 1.25
"""By how much faster rows have to be together than alone."""
_LEAST_SAVED_NANOS = 10_000
"""And how much time of each row that has to save: a request takes the server some
hundred microseconds besides, beside which less is nothing."""


def batch_threads(threads_per_call: int) -> int:
    """As many threads as keep all cores of this process busy."""
    return max(1, len(os.sched_getaffinity(0)) // max(1, threads_per_call))


def best_batch_size(sizes: Sequence[int], nanos: Callable[[int], int]) -> int | None:
    """The rows of the largest batch that pays.

    Args:
        sizes: Those that the model was compiled for, ascending.
        nanos: How long a batch of so many rows was measured to take; 0 if it is not
            known.

    Returns:
        1 if rows are as fast alone; None if that is not known.
    """
    taken = {size: nanos(size) / size for size in {1, *sizes}}
    if not sizes or min(taken.values()) <= 0:
        return None
    best = min(taken.values())
    if taken[1] < max(_LEAST_GAIN * best, best + _LEAST_SAVED_NANOS):
        return 1
    return min(size for size, each in taken.items() if each <= _NEAR_BEST * best)


def planned(
    options: BatchOptions, model: Model, signature: Signature
) -> BatchOptions | None:
    """Options in which what was left open is chosen for a model; None: do not batch.

    A request may have as many rows as may wait: it is split.
    """
    if options.max_batch_size or options.allowed_batch_sizes or options.streaming:
        return options
    expected = getattr(model, "_expected_nanos", None)
    if expected is None:  # It is TensorFlow that runs it.
        return options
    size = best_batch_size(
        signature.batch_sizes, lambda rows: int(expected(signature.name, rows))
    )
    if size is None:
        return options
    if size == 1:
        return None
    chosen = copied(options)
    chosen.enable_large_batch_splitting = True
    chosen.max_execution_batch_size = size
    chosen.max_batch_size = size * options.max_enqueued_batches
    return chosen
