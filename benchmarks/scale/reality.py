# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A real batcher, asked at given moments; what became of requests is in its trace."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import numpy as np

import tfnative
from benchmarks.scale.batching import Request, Rules
from tfnative._signature import Signature, TensorSpec

Arrays = dict[str, np.ndarray[Any, Any]]
_MOST_EVENTS = 10_000_000


class Paced:
    """What predicts by sleeping: its time does not depend on what else a machine does.

    Args:
        batch_micros: Of a batch, whatever its size.
        row_micros: Of each row.
    """

    def __init__(self, batch_micros: float, row_micros: float) -> None:
        self.name = "paced"
        self._batch_micros = batch_micros
        self._row_micros = row_micros
        tensors = [
            {name: TensorSpec(name, np.dtype(np.float32), (-1, 1))} for name in "xy"
        ]
        self._signature = Signature("serve", *tensors, (), True)

    def signature(self, name: str | None = None) -> Signature:
        """Its only one."""
        return self._signature

    def predict(
        self, inputs: Mapping[str, Any], *, signature: str | None = None
    ) -> Mapping[str, Any]:
        """The input."""
        x = inputs["x"]
        time.sleep((self._batch_micros + self._row_micros * len(x)) / 1e6)
        return {"y": x}


def open_model(path: Path | None, batch_micros: float, row_micros: float) -> Any:
    """A compiled model; or, if there is no path, one that is paced."""
    return Paced(batch_micros, row_micros) if path is None else tfnative.load(path)


def rows_for(model: Any, rows: int) -> Arrays:
    """Inputs of so many rows for a model's default signature."""
    return {
        name: np.zeros((rows, *spec.shape[1:]), spec.dtype)
        for name, spec in model.signature().inputs.items()
    }


def measure_service(
    model: Any, rules: Rules, rows: int, repeats: int
) -> dict[int, list[int]]:
    """Microseconds of batches by their rows, while all batch threads run such ones.

    Args:
        model: What to run.
        rules: How many threads, and how large batches may be.
        rows: Of a request: batches have a multiple of them.
        repeats: How many batches of each size, on each thread.
    """
    found = {}
    for size in range(rows, rules.max_batch_size + 1, rows):
        one = Rules(size, 0, rules.num_batch_threads)
        with _batcher(model, one) as batcher:
            inputs = rows_for(model, size)
            batcher.predict(inputs)
            batcher.start_trace(_MOST_EVENTS)
            for _ in range(repeats):
                wait([batcher.submit(inputs) for _ in range(rules.num_batch_threads)])
            trace = batcher.stop_trace()
        found[size] = [each.done_micros - each.started_micros for each in trace.batches]
    return found


def drive(model: Any, rules: Rules, arrivals: list[tuple[int, int]]) -> list[Request]:
    """What becomes of requests to a real batcher; those refused are left out.

    A request that could not be sent in time is sent as soon as it can be: when it came
    is what the batcher says.

    Args:
        model: What to run.
        rules: How batches are formed.
        arrivals: When each request is to come, ascending, and its rows.
    """
    inputs = {rows: rows_for(model, rows) for _, rows in arrivals}
    futures = []
    with _batcher(model, rules) as batcher:
        batcher.predict(inputs[arrivals[0][1]])
        batcher.start_trace(_MOST_EVENTS)
        begin = time.perf_counter()
        for arrived, rows in arrivals:
            left = begin + arrived / 1e6 - time.perf_counter()
            if left > 0:
                time.sleep(left)
            try:
                futures.append(batcher.submit(inputs[rows]))
            except tfnative.UnavailableError:
                continue
        wait(futures)
        return requests_of(batcher.stop_trace())


def requests_of(trace: tfnative.BatchTrace) -> list[Request]:
    """The requests that a trace has, in the order in which they came.

    Raises:
        ValueError: It has not all of them.
    """
    if trace.dropped:
        raise ValueError(f"{trace.dropped} events were not recorded")
    batches = {number: batch for batch in trace.batches for number in batch.requests}
    found = [
        Request(
            each.rows,
            each.enqueued_micros,
            batches[each.id].started_micros,
            each.done_micros,
            batches[each.id].rows,
        )
        for each in trace.requests
        if each.code == 0
    ]
    return sorted(found, key=lambda request: request.arrived)


def _batcher(model: Any, rules: Rules) -> tfnative.Batcher:
    return tfnative.Batcher(
        model,
        max_batch_size=rules.max_batch_size,
        batch_timeout_micros=rules.batch_timeout_micros,
        num_batch_threads=rules.num_batch_threads,
        max_enqueued_batches=rules.max_enqueued_batches,
    )
