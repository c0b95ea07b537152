# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is said of many requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.scale.batching import Request


@dataclass(frozen=True)
class Latencies:
    """Microseconds of requests.

    Attributes:
        requests: How many.
        p50: From arrival to answer: half of them take no longer.
        p99: Nor do 99 of 100.
        queued_p50: Likewise, from arrival to the begin of the run.
        queued_p99: Likewise.
        mean_batch_rows: Of the batches, as requests see them.
    """

    requests: int
    p50: int
    p99: int
    queued_p50: int
    queued_p99: int
    mean_batch_rows: float

    @classmethod
    def of(cls, requests: Sequence[Request], skip: float = 0.1) -> Latencies:
        """Of all but the first ones, which came to an empty server.

        Raises:
            ValueError: There are none.
        """
        kept = requests[int(skip * len(requests)) :]
        if not kept:
            raise ValueError("no request was answered")
        took = sorted(request.done - request.arrived for request in kept)
        queued = sorted(request.started - request.arrived for request in kept)
        return cls(
            len(kept),
            quantile(took, 0.5),
            quantile(took, 0.99),
            quantile(queued, 0.5),
            quantile(queued, 0.99),
            sum(request.batch_rows for request in kept) / len(kept),
        )

    def as_json(self) -> dict[str, float]:
        """All that is known."""
        return asdict(self)


def quantile(ascending: Sequence[int], share: float) -> int:
    """The least value that so large a share of all does not pass."""
    place = max(0, -(-int(share * 1000) * len(ascending) // 1000) - 1)
    return ascending[min(place, len(ascending) - 1)]
