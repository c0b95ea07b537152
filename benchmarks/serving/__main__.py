# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.serving: tfnative's server beside one on TensorFlow.

Prints tables, and writes the same as JSON. docs/performance.md says what the numbers
mean.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.batching.plan import MAX_BATCH_SIZES, Workload, make_workload
from benchmarks.batching.turns import Player, Turns, take_turns
from benchmarks.measure import machine
from benchmarks.process import WorkerProcess
from benchmarks.serving import encoding, imports
from benchmarks.serving.encoding import Encoding
from benchmarks.serving.imports import Imports
from benchmarks.serving.servers import CONTESTANTS, REST_MODELS, RunningServer

FOLDER = Path("build/benchmarks")
SPEED = "rows_per_second"
PEERS = ("TensorFlow in the loop", "TensorFlow in threads")


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for. Slow is not an error."""
    options = _options(arguments)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    known = machine()
    print(", ".join(f"{key} {value}" for key, value in known.items()))
    found = {name: _serve(name, options, folder) for name in options.models}
    of_tensors = encoding.measure()
    of_imports = imports.measure()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": known,
        "clients": options.clients,
        "models": {
            name: [{**turns.as_json(), **_ratios(turns, all_)} for turns in all_]
            for name, all_ in found.items()
        },
        "encoding": {**asdict(of_tensors), "target": encoding.TARGET},
        "imports": {**asdict(of_imports), "target": imports.TARGET},
    }
    options.json.write_text(json.dumps(content, indent=2) + "\n")
    console = Console()
    for name, all_ in found.items():
        console.print(_table(f"{name}: {options.clients} clients, a row each", all_))
        for turns in all_:
            if turns.problem:
                console.print(f"{turns.contestant}: {turns.problem}", markup=False)
    console.print(_encoding_table(of_tensors))
    console.print(_imports_table(of_imports))
    return 0


def _serve(model: str, options: argparse.Namespace, folder: Path) -> list[Turns]:
    """What every contestant did."""
    workload = make_workload(model, ("tfnative", "tensorflow"), folder, _say)
    _say(f"{model}: measure")
    with ExitStack() as stack:
        load = _start_load(workload)
        stack.callback(load.close)
        players = []
        for name, contestant in CONTESTANTS.items():
            if contestant.api == "rest" and model not in REST_MODELS:
                continue
            server = RunningServer(contestant, workload)
            stack.callback(server.close)
            line = f"{contestant.api} {server.port} {options.clients} {options.seconds}"
            players.append(Player(name, server.problem or load, line))
        return take_turns(players, options.rounds)


def _start_load(workload: Workload) -> WorkerProcess:
    command = [sys.executable, "-m", "benchmarks.serving.load"]
    command += [workload.model, str(workload.answer)]
    return WorkerProcess("clients", command)


def _ratios(turns: Turns, all_: list[Turns]) -> dict[str, float | None]:
    peers = {each.contestant: each for each in all_ if each.contestant in PEERS}
    return {f"to {name}": turns.ratio(peer, SPEED) for name, peer in peers.items()}


def _table(title: str, all_: list[Turns]) -> Table:
    table = Table(title=title)
    table.add_column("")
    for heading in ("requests/s", "p50 ms", "p99 ms", *(f"to {p}" for p in PEERS)):
        table.add_column(heading, justify="right")
    for turns in all_:
        p50, p99 = turns.median("p50_micros"), turns.median("p99_micros")
        cells = [
            _number(turns.median(SPEED), 0),
            _number(p50 and p50 / 1e3, 1),
            _number(p99 and p99 / 1e3, 1),
        ]
        cells += [_number(ratio, 2) for ratio in _ratios(turns, all_).values()]
        table.add_row(turns.contestant, *cells)
    return table


def _encoding_table(found: Encoding) -> Table:
    shape = ", ".join(map(str, encoding.SHAPE))
    table = Table(title=f"A tensor of float32 ({shape}) and its message")
    for heading in ("", "ms", "to a copy", "target"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("copy (tobytes)", f"{found.copy:.2f}", "", "")
    target = f"{encoding.TARGET}"
    table.add_row("encode", f"{found.encode:.2f}", f"{found.encode_ratio:.2f}", target)
    table.add_row("decode", f"{found.decode:.2f}", f"{found.decode_ratio:.2f}", "")
    return table


def _imports_table(found: Imports) -> Table:
    table = Table(title="Imports, in a fresh process")
    for heading in ("", "ms", "target"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("grpc", f"{found.grpc:.0f}", "")
    table.add_row(
        "  tfnative.serving besides", f"{found.module:.0f}", str(imports.TARGET)
    )
    table.add_row("  and a client, with NumPy and protobuf", f"{found.client:.0f}", "")
    return table


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description=(__doc__ or "").splitlines()[0],
    )
    add = parser.add_argument
    known = ", ".join(MAX_BATCH_SIZES)
    models = ("digits", "mobilenet_v2")
    note = f"of {known} (default: {','.join(models)})"
    add("--models", type=_words, default=models, metavar="A,B", help=note)
    add("--clients", type=int, default=64, help="that ask at once (default: 64)")
    add("--rounds", type=int, default=5, help="turns of each contestant (default: 5)")
    add("--seconds", type=float, default=2.0, help="length of a turn (default: 2)")
    add("--json", type=Path, default=FOLDER / "serving.json", help="written at the end")
    add("--folder", type=Path, default=FOLDER, help=f"converted models ({FOLDER})")
    options = parser.parse_args(arguments)
    unknown = set(options.models) - MAX_BATCH_SIZES.keys()
    if unknown:
        parser.error(f"unknown models: {', '.join(unknown)}; of {known}")
    if min(options.rounds, options.clients) < 1:
        parser.error("--rounds and --clients have to be 1 or more")
    return options


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


if __name__ == "__main__":
    raise SystemExit(main())
