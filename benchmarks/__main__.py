# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks: tfnative beside its peers, model by model.

Prints a line as soon as a model is measured, and a table at the end; writes the same as
JSON and as a picture. docs/performance.md says what the numbers mean.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from benchmarks import chart, limits as machine_limits, table
from benchmarks.arithmetic import ARITHMETICS, FLOAT32
from benchmarks.compare import Plan, compare
from benchmarks.measure import machine
from benchmarks.models import EXPORTED
from benchmarks.results import Result, as_json

FOLDER = Path("build/benchmarks")


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for."""
    options = _options(arguments)
    for path in (options.json, options.chart):
        path.parent.mkdir(parents=True, exist_ok=True)
    plan = _plan(options)
    plan.folder.mkdir(parents=True, exist_ok=True)
    known = machine()
    print(", ".join(f"{key} {value}" for key, value in known.items()))
    _say("limits of this machine: measure")
    limits = machine_limits.measure()
    settings = {name: getattr(plan, name) for name in ("threads", "rounds", "seconds")}
    results: list[Result] = []
    with suppress(KeyboardInterrupt):  # Shows what there is.
        for result in compare(plan, limits, _say):
            results.append(result)
            _say(table.line(result))
            content = as_json(results, limits, known, settings)
            options.json.write_text(json.dumps(content, indent=2) + "\n")
    table.show(results, limits, Console())
    if results:
        chart.draw(results, options.chart, _machine(known["cpu"], plan))
    return 0


def _machine(cpu: str, plan: Plan) -> str:
    return f"{cpu}; threads: {plan.threads}; {plan.precision}"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0]
    )
    add = parser.add_argument
    add(
        "--precision",
        choices=tuple(ARITHMETICS),
        default=FLOAT32,
        help="default: float32",
    )
    add("--models", type=_words, metavar="A,B", help="default: the precision's")
    add("--peers", type=_words, metavar="A,B", help='default: all; "" for none')
    add("--batch-sizes", type=_numbers, metavar="N,M", help="default: the precision's")
    add("--threads", type=int, default=1, help="per call (default: 1)")
    add("--rounds", type=int, default=7, help="turns of each contestant (default: 7)")
    add("--seconds", type=float, default=0.3, help="length of a turn (default: 0.3)")
    add("--json", type=Path, default=FOLDER / "results.json", help=_written("json"))
    add("--chart", type=Path, default=FOLDER / "results.png", help=_written("png"))
    add("--folder", type=Path, default=FOLDER, help=f"converted models ({FOLDER})")
    options = parser.parse_args(arguments)
    asked = ARITHMETICS[options.precision]
    if options.models is None:
        options.models = asked.models
    if options.peers is None:
        options.peers = tuple(asked.peers)
    for kind, known in (("models", EXPORTED), ("peers", asked.peers)):
        unknown = set(getattr(options, kind)) - set(known)
        if unknown:
            parser.error(f"unknown {kind}: {', '.join(unknown)}; of {', '.join(known)}")
    if options.rounds < 1:
        parser.error("--rounds has to be 1 or more")
    return options


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        models=options.models,
        peers=options.peers,
        batch_sizes=options.batch_sizes,
        threads=options.threads,
        rounds=options.rounds,
        seconds=options.seconds,
        folder=options.folder.resolve(),
        precision=options.precision,
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _written(kind: str) -> str:
    return f"written (default: {FOLDER / 'results'}.{kind})"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in _words(text))


if __name__ == "__main__":
    raise SystemExit(main())
