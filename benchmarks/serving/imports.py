# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How long importing the client takes, beside importing what it stands on."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from benchmarks.measure import run_python

TARGET = 200.0
"""Milliseconds more than grpc alone."""
_TIMED = (
    "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
)
_GRPC = _TIMED.format("import grpc")
_CLIENT = _TIMED.format(
    "import tfnative.serving; tfnative.serving.Client('localhost:1').close()"
)


@dataclass(frozen=True)
class Imports:
    """Medians, in milliseconds, each in fresh processes.

    Attributes:
        grpc: Of ``import grpc``.
        client: Of ``import tfnative.serving`` and a client for gRPC, grpc included.
        added: The median of the differences within rounds.
    """

    grpc: float
    client: float
    added: float


def measure(rounds: int = 9) -> Imports:
    """Takes turns."""

    def millis(code: str) -> float:
        return float(run_python("-c", code).splitlines()[-1]) * 1e3

    pairs = [(millis(_GRPC), millis(_CLIENT)) for _ in range(rounds)]
    return Imports(
        statistics.median(grpc for grpc, _ in pairs),
        statistics.median(client for _, client in pairs),
        statistics.median(client - grpc for grpc, client in pairs),
    )
