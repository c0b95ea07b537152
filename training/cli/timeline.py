# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training timeline``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.observe.charts import plot_traces
from training.observe.steps import shares, split_steps
from training.observe.timeline import write_timeline
from training.observe.trace import read_all


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "timeline",
        help="where the time of profiled steps goes, as a table, a chart, a timeline",
    )
    add = parser.add_argument
    add(
        "logs",
        nargs="+",
        type=Path,
        metavar="LOGS",
        help="folders that fit --logs FOLDER --profile 10-20 wrote; several are "
        "compared, and members of a cluster below one are shown together",
    )
    add(
        "--output",
        type=Path,
        metavar="FILE.json",
        help="write one timeline of all, for https://ui.perfetto.dev or "
        "chrome://tracing",
    )
    add("--plot", type=Path, metavar="FILE.png", help="draw the steps of each")
    add("--json", action="store_true", help="the table as JSON")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Prints the table, and writes what was asked for."""
    traces = read_all(parsed.logs)
    steps = [split_steps(trace) for trace in traces]
    found = [shares(own) for own in steps]
    if parsed.output:
        write_timeline(traces, parsed.output)
    if parsed.plot:
        plot_traces(traces, parsed.plot)
    if parsed.json:
        rows = [
            {"member": t.member, "steps": len(own), **asdict(s), "verdict": s.verdict}
            for t, own, s in zip(traces, steps, found, strict=True)
        ]
        print(json.dumps(rows))
        return 0
    width = max(len("member"), *(len(trace.member) for trace in traces))
    print(
        f"{'member':{width}}  steps  ms a step    input  communication  compute  "
        "between"
    )
    for trace, own, mean in zip(traces, steps, found, strict=True):
        print(
            f"{trace.member:{width}} {len(own):6d} {mean.seconds * 1e3:10.2f} "
            f"{mean.input:8.1%} {mean.communication:14.1%} {mean.compute:8.1%} "
            f"{mean.between:8.1%}"
        )
    for trace, mean in zip(traces, found, strict=True):
        print(f"{trace.member}: {mean.verdict}")
    for path in (parsed.output, parsed.plot):
        if path:
            print(f"written: {path}")
    return 0
