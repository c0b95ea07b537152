# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Measurements as a table, judged by their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.workloads import Measurement

HEADER = ("workload", "metric", "contestant", "median", "spread", "less", "target", "")


def ratio(of: Measurement, among: Sequence[Measurement]) -> float | None:
    """How many times less than TensorFlow's it is, if TensorFlow took part."""
    for other in among:
        same = (other.workload, other.metric) == (of.workload, of.metric)
        if same and other.contestant == "tensorflow" and other is not of:
            return other.sample.median / of.sample.median
    return None


def passes(of: Measurement, among: Sequence[Measurement]) -> bool | None:
    """Whether the targets are met; None if there are none."""
    if of.target is None and of.ratio_target is None:
        return None
    below = of.target is None or of.sample.median < of.target
    factor = ratio(of, among) or 0.0
    return below and (of.ratio_target is None or factor >= of.ratio_target)


def table(measured: Sequence[Measurement]) -> str:
    """One line per measurement."""
    lines = [HEADER, *(_cells(m, measured) for m in measured)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = []
    for cells in lines:
        left = [c.ljust(w) for c, w in zip(cells[:3], widths[:3], strict=True)]
        right = [c.rjust(w) for c, w in zip(cells[3:], widths[3:], strict=True)]
        text.append("  ".join(left + right).rstrip())
    text.insert(1, "-" * max(map(len, text)))
    return "\n".join(text)


def as_json(measured: Sequence[Measurement], machine: dict[str, str]) -> dict[str, Any]:
    """All that is known, for ``json.dump``."""
    results = [
        {**asdict(m), "ratio": ratio(m, measured), "passes": passes(m, measured)}
        for m in measured
    ]
    return {"machine": machine, "results": results}


def _cells(of: Measurement, among: Sequence[Measurement]) -> tuple[str, ...]:
    targets = []
    if of.target is not None:
        targets.append(f"< {of.target:.4g}")
    if of.ratio_target is not None:
        targets.append(f">= {of.ratio_target:.0f}x")
    factor = ratio(of, among)
    verdict = {None: "", True: "pass", False: "FAIL"}[passes(of, among)]
    return (
        of.workload,
        of.metric,
        of.contestant,
        f"{of.sample.median:.4g}",
        f"{of.sample.spread:.2g}",
        f"{factor:.1f}x" if factor else "",
        ", ".join(targets),
        verdict,
    )
