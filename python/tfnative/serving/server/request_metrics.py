# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Counts requests and how long they take, under TensorFlow Serving's names."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tfnative.errors import Error, code_of
from tfnative.serving.status_codes import CODES

# A client library for Prometheus would end the counter's name in "_total", which
# dashboards for TensorFlow Serving do not look for.
COUNT = ":tensorflow:serving:request_count"
LATENCY = ":tensorflow:serving:request_latency"

BOUNDS = tuple(10 * 1.8**i for i in range(33))
"""Microseconds; those of TensorFlow Serving's request_latency."""


class RequestMetrics:
    """What came for each model. For one thread."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._latencies: dict[tuple[str, str, str], list[int]] = {}
        self._sums: Counter[tuple[str, str, str]] = Counter()

    @contextmanager
    def timed(self, model: str, api: str, entrypoint: str) -> Iterator[None]:
        """Counts what happens in a ``with`` block as a request.

        Args:
            model: Its name.
            api: "Predict", "Classify", "Regress", "MultiInference" or "ModelInfer".
            entrypoint: "GRPC" or "REST".
        """
        started = time.perf_counter_ns()
        code = 13
        try:
            yield
            code = 0
        except asyncio.CancelledError:  # The client does not wait any more.
            code = 1
            raise
        except Error as error:
            code = code_of(error) or 13
            raise
        finally:
            micros = (time.perf_counter_ns() - started) // 1000
            self._counts[model, CODES.get(code, "UNKNOWN")] += 1
            if code == 0:
                self._record((model, api, entrypoint), micros)

    def to_prometheus(self) -> str:
        """The text that Prometheus scrapes."""
        lines = []
        if self._counts:
            lines.append(f"# TYPE {COUNT} counter")
        for (model, status), count in sorted(self._counts.items()):
            labels = f'model_name="{escaped(model)}",status="{status}"'
            lines.append(f"{COUNT}{{{labels}}} {count}")
        if self._latencies:
            lines.append(f"# TYPE {LATENCY} histogram")
        for key, counts in sorted(self._latencies.items()):
            model, api, entrypoint = key
            labels = (
                f'model_name="{escaped(model)}",API="{api}",entrypoint="{entrypoint}"'
            )
            below = 0
            for bound, count in zip((*BOUNDS, None), counts, strict=True):
                below += count
                le = "+Inf" if bound is None else f"{bound:.6g}"
                lines.append(f'{LATENCY}_bucket{{{labels},le="{le}"}} {below}')
            lines.append(f"{LATENCY}_sum{{{labels}}} {self._sums[key]}")
            lines.append(f"{LATENCY}_count{{{labels}}} {below}")
        return "".join(line + "\n" for line in lines)

    def _record(self, key: tuple[str, str, str], micros: int) -> None:
        counts = self._latencies.setdefault(key, [0] * (len(BOUNDS) + 1))
        counts[bisect_left(BOUNDS, micros)] += 1
        self._sums[key] += micros


def escaped(label: str) -> str:
    """A label's value between quotes."""
    text = label.replace("\\", "\\\\").replace('"', '\\"')
    return text.replace("\n", "\\n")
