# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks: tfnative beside its peers, model by model."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.compare import PEERS, Latency, as_json, compare
from benchmarks.measure import machine
from benchmarks.models import MODELS


def main() -> int:
    """Prints a table of medians, and how much longer the fastest peer takes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--models", type=_words, default=list(MODELS), metavar="A,B")
    parser.add_argument("--peers", type=_words, default=list(PEERS), metavar="A,B")
    parser.add_argument("--batch-sizes", type=_numbers, default=[1, 32], metavar="N,M")
    parser.add_argument("--threads", type=int, default=1, help="per call (default: 1)")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("build/benchmarks"),
        help="keeps converted models (default: build/benchmarks)",
    )
    options = parser.parse_args()
    for kind, known in (("models", MODELS), ("peers", PEERS)):
        unknown = set(getattr(options, kind)) - set(known)
        if unknown:
            parser.error(f"unknown {kind}: {', '.join(unknown)}; of {', '.join(known)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    measured: list[Latency] = []
    for group in compare(
        options.models,
        options.peers,
        options.batch_sizes,
        options.threads,
        options.folder.resolve(),
        lambda text: print(text, file=sys.stderr, flush=True),
    ):
        measured += group
        print(_line(group), flush=True)
        if options.json:
            content = {"machine": machine(), "latencies": as_json(measured)}
            options.json.write_text(json.dumps(content, indent=2) + "\n")
    return 0


def _line(group: list[Latency]) -> str:
    """One model and batch size: medians, and ours against the fastest peer's."""
    ours, *peers = group
    cells = [
        f"{latency.contestant} {latency.median_micros:,.1f}"
        if not latency.problem
        else f"{latency.contestant} ({latency.problem[:60]})"
        for latency in group
    ]
    timed = [peer.median_micros for peer in peers if not peer.problem]
    ratio = min(timed) / ours.median_micros if timed and not ours.problem else 0
    name = f"{ours.model} b{ours.batch_size}"
    return f"{name:<20} {ratio:5.2f}x  " + ", ".join(cells) + "  us"


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _numbers(text: str) -> list[int]:
    return [int(word) for word in _words(text)]


if __name__ == "__main__":
    raise SystemExit(main())
