# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How long importing the client takes, beside importing what it stands on."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from benchmarks.measure import run_python

TARGET = 200
"""Milliseconds that importing tfnative.serving may take beside grpc."""
_TIMED = (
    "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
)
_GRPC = _TIMED.format("import grpc")
_MODULE = _TIMED.format("import grpc, tfnative.serving")
_CLIENT = _TIMED.format(
    "import tfnative.serving; tfnative.serving.Client('localhost:1').close()"
)


@dataclass(frozen=True)
class Imports:
    """Medians, in milliseconds, each in fresh processes.

    Attributes:
        grpc: Of ``import grpc``.
        module: Of ``import tfnative.serving`` besides; the median of the differences
            within rounds.
        client: Of a client for gRPC besides, which brings NumPy and protobuf.
    """

    grpc: float
    module: float
    client: float


def measure(rounds: int = 9) -> Imports:
    """Takes turns."""

    def millis(code: str) -> float:
        return float(run_python("-c", code).splitlines()[-1]) * 1e3

    found = [(millis(_GRPC), millis(_MODULE), millis(_CLIENT)) for _ in range(rounds)]
    return Imports(
        statistics.median(grpc for grpc, _, _ in found),
        statistics.median(module - grpc for grpc, module, _ in found),
        statistics.median(client - grpc for grpc, _, client in found),
    )
