# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.scale: how long requests wait, by load and by machines."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import machine
from benchmarks.scale.arrivals import poisson
from benchmarks.scale.batching import Rules
from benchmarks.scale.check import Settings, check
from benchmarks.scale.machines import BALANCES, simulate_machines
from benchmarks.scale.reality import open_model
from benchmarks.scale.service import Affine, rows_per_second

EACH = 400
"""Requests of each machine at least: the first ones find an empty one."""

_EXAMPLES = """\
examples:
  python -m benchmarks.scale check                     # a model that sleeps
  python -m benchmarks.scale check --model build/net --rows 8 --max-batch-size 64
  python -m benchmarks.scale machines --machines 1,10,100 --loads 0.5,0.8,0.9
  python -m benchmarks.scale machines --batch-micros 300 --row-micros 60 --json out.json

"check" drives a batcher of this machine and simulates the same: do it first, with your
model, and see whether the columns agree. A load of 1 is what the batch threads compute
at most, in full batches.

"machines" simulates many servers behind a balancer. Give it what "check" has found a
batch to take: --batch-micros for any batch, --row-micros for each row more. Read for a
load how much longer 99 of 100 requests take than half of them, and choose the highest
load at which that is still good: that is what to scale on.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line asks for."""
    options = _options(arguments)
    rules = Rules(
        options.max_batch_size, options.batch_timeout_micros, options.batch_threads
    )
    run = {"check": _check, "machines": _machines}[options.command]
    content = run(options, rules)
    if options.json:
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    return 0


def _check(options: argparse.Namespace, rules: Rules) -> dict[str, Any]:
    settings = Settings(
        rules,
        options.rows,
        options.loads,
        options.rounds,
        options.seconds,
        options.repeats,
    )
    model = open_model(options.model, options.batch_micros, options.row_micros)
    found = check(model, settings)
    table = Table(title=f"{found['model']}: milliseconds, measured and simulated")
    table.add_column("load")
    kinds = ("measured", "simulated", "predicted")
    for name in ("p50", "p99"):
        for kind in kinds:
            table.add_column(f"{name} {kind}", justify="right")
    for each in found["at"]:
        cells = [
            f"{each[kind][name] / 1000:.2f}"
            for name in ("p50", "p99")
            for kind in kinds
        ]
        table.add_row(f"{each['load']:.0%}", *cells)
    Console().print(table)
    return {"machine": machine(), **found}


def _machines(options: argparse.Namespace, rules: Rules) -> dict[str, Any]:
    service = Affine(options.batch_micros, options.row_micros)
    full = service(rules.max_batch_size)
    most = rows_per_second(full, rules.max_batch_size, rules.num_batch_threads)
    table = Table(title="Milliseconds from arrival to answer")
    headings = ("machines", "balance", "load", "p50", "p99", "p99 in the queue")
    for heading in headings:
        table.add_column(heading, justify="right")
    found = []
    for count in options.machines:
        for balance in options.balance:
            for load in options.loads:
                per_second = load * most * count / options.rows
                requests = max(options.requests, EACH * count)
                arrivals = poisson(per_second, requests, options.rows, options.seed)
                took, refused = simulate_machines(
                    count, balance, rules, service, arrivals, options.seed
                )
                found.append(
                    {
                        "machines": count,
                        "balance": balance,
                        "load": load,
                        "refused": refused,
                        **took.as_json(),
                    }
                )
                millis = [n / 1000 for n in (took.p50, took.p99, took.queued_p99)]
                cells = [f"{each:.2f}" for each in millis]
                table.add_row(str(count), balance, f"{load:.0%}", *cells)
    Console().print(table)
    return {"rows_per_second": most, "results": found}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description=(__doc__ or "").split(": ", 1)[1],
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    add = shared.add_argument
    add("--rows", type=_count, default=1, help="of a request")
    add("--max-batch-size", type=_count, default=16, help="in rows")
    add(
        "--batch-timeout-micros",
        type=int,
        default=1000,
        help="how long the first request of a batch waits",
    )
    add("--batch-threads", type=_count, default=1, help="of each machine")
    add(
        "--loads",
        type=_loads,
        default=(0.3, 0.5, 0.7, 0.85),
        metavar="A,B",
        help="parts of the most that is computed",
    )
    add("--batch-micros", type=float, default=4000.0, help="of any batch")
    add("--row-micros", type=float, default=500.0, help="of each row more")
    add("--json", type=Path, metavar="FILE", help="also write all numbers there")
    kind = argparse.ArgumentDefaultsHelpFormatter
    one = commands.add_parser(
        "check",
        parents=[shared],
        formatter_class=kind,
        help="drive a batcher of this machine, and simulate the same",
    )
    one.add_argument("--model", type=Path, metavar="ARTIFACT", help="to run")
    one.add_argument("--rounds", type=_count, default=3, help="of each load")
    one.add_argument("--seconds", type=float, default=10.0, help="of each round")
    one.add_argument("--repeats", type=_count, default=50, help="batches of each size")
    many = commands.add_parser(
        "machines",
        parents=[shared],
        formatter_class=kind,
        help="simulate many servers behind a balancer",
    )
    many.add_argument(
        "--machines",
        type=_counts,
        default=(1, 10, 100, 1000),
        metavar="A,B",
        help="how many",
    )
    many.add_argument(
        "--balance", type=_balances, default=BALANCES, metavar="A,B", help="kinds"
    )
    many.add_argument("--requests", type=_count, default=20_000, help="at least")
    many.add_argument("--seed", type=int, default=0, help="of chance")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text}")
    return number


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_count(each) for each in text.split(","))


def _loads(text: str) -> tuple[float, ...]:
    loads = tuple(float(each) for each in text.split(","))
    if not all(0 < load < 1 for load in loads):
        raise argparse.ArgumentTypeError(
            f"expected loads between 0 and 1, got {text}: from 1 on the queue grows as"
            " long as requests come"
        )
    return loads


def _balances(text: str) -> tuple[str, ...]:
    kinds = tuple(text.split(","))
    for kind in kinds:
        if kind not in BALANCES:
            raise argparse.ArgumentTypeError(
                f"expected {', '.join(BALANCES)}, got {kind!r}"
            )
    return kinds


if __name__ == "__main__":
    sys.exit(main())
