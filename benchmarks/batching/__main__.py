# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.batching: tfnative's batcher, alone and beside its peers.

Prints a line as soon as something is measured, and tables at the end; writes the same
as JSON and as a picture. docs/performance.md says what the numbers mean.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.batching import chart, native, overhead, table
from benchmarks.batching.measure import measure_models
from benchmarks.batching.plan import MAX_BATCH_SIZES, Plan
from benchmarks.batching.servers import PEERS
from benchmarks.batching.table import Result
from benchmarks.batching.throughput import Throughput
from benchmarks.measure import machine

FOLDER = Path("build/benchmarks")
PARTS = ("throughput", "overhead")


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for. Slow is not an error."""
    options = _options(arguments)
    for path in (options.json, options.chart):
        path.parent.mkdir(parents=True, exist_ok=True)
    plan = _plan(options)
    plan.folder.mkdir(parents=True, exist_ok=True)
    known = machine()
    print(", ".join(f"{key} {value}" for key, value in known.items()))
    results: list[Result] = []
    with suppress(KeyboardInterrupt):  # Shows what there is.
        for result in _measure(plan, options.parts):
            results.append(result)
            _say(table.line(result))
            content = as_json(results, known, plan)
            options.json.write_text(json.dumps(content, indent=2) + "\n")
    table.show(results, Console())
    drawn = [result for result in results if isinstance(result, Throughput)]
    if drawn:
        chart.draw(drawn, options.chart, known["cpu"])
    return 0


def as_json(results: list[Result], known: dict[str, str], plan: Plan) -> dict[str, Any]:
    """All that is known, for ``json.dump``."""
    settings = asdict(plan)
    del settings["folder"]
    content: dict[str, Any] = {"machine": known, "settings": settings}
    for kind in ("throughput", "queueing", "overhead"):
        content[kind] = [
            result.as_json()
            for result in results
            if type(result).__name__.lower() == kind
        ]
    content["targets"] = [
        {**asdict(verdict), "met": verdict.met}
        for result in results
        for verdict in result.verdicts
    ]
    return content


def _measure(plan: Plan, parts: tuple[str, ...]) -> Iterator[Result]:
    _say("the loads in C++: build")
    program: Path | str
    try:
        program = native.build()
    except RuntimeError as error:
        program = str(error)
        _say(program)
    if "throughput" in parts:
        yield from measure_models(plan, program, _say)
    if "overhead" in parts:
        yield from overhead.measure(plan, program, _say)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.batching",
        description=(__doc__ or "").splitlines()[0],
    )
    add = parser.add_argument
    known = {"models": tuple(MAX_BATCH_SIZES), "peers": tuple(PEERS), "parts": PARTS}
    threads = tuple(sorted({1, len(os.sched_getaffinity(0))}))
    for kind, names in known.items():
        note = f"of {', '.join(names)} (default: all)"
        add(f"--{kind}", type=_words, default=names, metavar="A,B", help=note)
    add("--callers", type=int, default=64, help="that ask at once (default: 64)")
    add("--batch-threads", type=_numbers, default=threads, metavar="N,M")
    add("--batch-timeout-micros", type=int, default=1000, help="default: 1000")
    add("--rounds", type=int, default=5, help="turns of each contestant (default: 5)")
    add("--seconds", type=float, default=1.0, help="length of a turn (default: 1)")
    add("--json", type=Path, default=FOLDER / "batching.json", help=_written("json"))
    add("--chart", type=Path, default=FOLDER / "batching.png", help=_written("png"))
    add("--folder", type=Path, default=FOLDER, help=f"converted models ({FOLDER})")
    options = parser.parse_args(arguments)
    for kind, names in known.items():
        unknown = set(getattr(options, kind)) - set(names)
        if unknown:
            parser.error(f"unknown {kind}: {', '.join(unknown)}; of {', '.join(names)}")
    if min(options.rounds, options.callers, *options.batch_threads) < 1:
        parser.error("--rounds, --callers and --batch-threads have to be 1 or more")
    return options


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        models=options.models,
        peers=options.peers,
        callers=options.callers,
        batch_threads=options.batch_threads,
        batch_timeout_micros=options.batch_timeout_micros,
        rounds=options.rounds,
        seconds=options.seconds,
        folder=options.folder.resolve(),
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _written(kind: str) -> str:
    return f"written (default: {FOLDER / 'batching'}.{kind})"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in _words(text))


if __name__ == "__main__":
    raise SystemExit(main())
