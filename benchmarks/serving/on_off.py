# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.serving.on_off: whether batching ever makes a server slower.

For each model and number of clients, prints how many requests per second are answered
with --enable-batching, as a ratio to those without.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.batching.plan import Workload, make_workload
from benchmarks.batching.turns import Player, Turns, take_turns
from benchmarks.process import WorkerProcess
from benchmarks.serving.servers import CONTESTANTS, RunningServer

CLIENTS = (1, 2, 4, 8, 16)
OFF, ON = "tfnative serve", "tfnative serve, batched"
SPEED = "rows_per_second"


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for. Slow is not an error."""
    options = _options(arguments)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    table = Table(title="Requests per second, and batched to not batched")
    for heading in ("model", "clients", "off", "on", "on/off"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for model in options.models:
        workload = make_workload(model, ("tfnative",), folder, _say)
        for clients, off, on in _measure(workload, options):
            ratio = on.ratio(off, SPEED)
            cells = [_number(each.median(SPEED), 0) for each in (off, on)]
            table.add_row(model, str(clients), *cells, _number(ratio, 2))
            _say(f"{model}, {clients} clients: {cells}, {_number(ratio, 2)}")
    Console().print(table)
    return 0


def _measure(
    workload: Workload, options: argparse.Namespace
) -> list[tuple[int, Turns, Turns]]:
    """For each number of clients: what both servers did, in turns."""
    with ExitStack() as stack:
        command = [sys.executable, "-m", "benchmarks.serving.load"]
        command += [workload.model, str(workload.answer)]
        load = WorkerProcess("clients", command)
        stack.callback(load.close)
        servers = {}
        for name in (OFF, ON):
            servers[name] = RunningServer(CONTESTANTS[name], workload)
            stack.callback(servers[name].close)
        found = []
        for clients in CLIENTS:
            players = [
                Player(
                    name,
                    server.problem or load,
                    f"grpc {server.port} {clients} {options.seconds}",
                )
                for name, server in servers.items()
            ]
            off, on = take_turns(players, options.rounds)
            found.append((clients, off, on))
        return found


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving.on_off",
        description=(__doc__ or "").splitlines()[0],
    )
    add = parser.add_argument
    models = ("mlp", "mobilenet_v2")
    add("--models", type=_words, default=models, metavar="A,B", help="of models.py")
    add("--rounds", type=int, default=5, help="turns of each server (default: 5)")
    add("--seconds", type=float, default=2.0, help="length of a turn (default: 2)")
    add("--folder", type=Path, default=Path("build/benchmarks"))
    return parser.parse_args(arguments)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


if __name__ == "__main__":
    raise SystemExit(main())
