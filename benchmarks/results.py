# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the comparison finds for a model and a batch size, and what was aimed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.arithmetic import FLOAT32
from benchmarks.limits import Limits
from benchmarks.work import Work

TARGETS = {
    "mlp": {1: 1.3, 32: 1.5},
    "mlp_large": {1: 1.0, 32: 1.0},
    "cnn": {1: 1.5, 32: 1.2},
    "lstm": {1: 1.8, 32: 1.2},
    "transformer": {1: 1.3, 32: 1.2},
    "mobilenet_v2": {1: 1.2, 32: 1.2},
    "efficientnet_b0": {1: 1.2, 32: 1.2},
    "resnet50": {1: 1.1, 32: 1.1},
}
"""How many times longer than we the fastest peer should take, at least, in float32."""


@dataclass(frozen=True)
class Latency:
    """What one contestant takes for one model and batch size.

    Attributes:
        contestant: Its name.
        median_micros: Median of all calls, or None.
        p99_micros: 99% of the calls take less; or None.
        problem: Why there are no numbers, or "".
        signal_to_noise: Of its answer against float32's, in decibels; None if it is
            the same, or there is a problem.
    """

    contestant: str
    median_micros: float | None
    p99_micros: float | None
    problem: str = ""
    signal_to_noise: float | None = None


@dataclass(frozen=True)
class Result:
    """A model and a batch size.

    Attributes:
        model: Name of the model.
        batch_size: Rows per call.
        ours: tfnative's latency.
        peers: The others'.
        work: What has to be computed and read.
        limit_micros: The least that this takes on one thread of this machine, in
            float32.
        precision: What all compute in.
        cpu_level: Whose code of ours ran, or "" if none did.
    """

    model: str
    batch_size: int
    ours: Latency
    peers: tuple[Latency, ...]
    work: Work
    limit_micros: float
    precision: str = FLOAT32
    cpu_level: str = ""

    @property
    def fastest_peer(self) -> Latency | None:
        """The peer with the lowest median, or None if none was measured."""
        timed = [peer for peer in self.peers if peer.median_micros is not None]
        return min(timed, key=lambda peer: peer.median_micros or 0, default=None)

    @property
    def ratio(self) -> float | None:
        """The fastest peer's median divided by ours."""
        fastest = self.fastest_peer
        return self.ratio_to(fastest) if fastest else None

    def ratio_to(self, peer: Latency) -> float | None:
        """A peer's median divided by ours."""
        if peer.median_micros is None or self.ours.median_micros is None:
            return None
        return peer.median_micros / self.ours.median_micros

    @property
    def fraction_of_limit(self) -> float | None:
        """How much of the machine's limit we reach: 1 is all; None but for float32."""
        median = self.ours.median_micros if self.precision == FLOAT32 else None
        return self.limit_micros / median if median is not None else None

    @property
    def target(self) -> float | None:
        """What the ratio should be at least, if anything; None but for float32."""
        if self.precision != FLOAT32:
            return None
        return TARGETS.get(self.model, {}).get(self.batch_size)


def as_json(
    results: Sequence[Result],
    limits: Limits,
    machine: dict[str, str],
    settings: dict[str, float],
) -> dict[str, Any]:
    """All that is known, for ``json.dump``."""
    return {
        "machine": machine,
        "settings": settings,
        "limits": asdict(limits),
        "results": [_one_as_json(result) for result in results],
    }


def _one_as_json(result: Result) -> dict[str, Any]:
    fastest = result.fastest_peer
    return {
        **asdict(result),
        "fastest_peer": fastest.contestant if fastest else None,
        "ratio": result.ratio,
        "target": result.target,
        "fraction_of_limit": result.fraction_of_limit,
    }
