# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.serving.tracing: what traces cost a request.

Each contestant is a server and a client, in processes of their own. In each round all
take a turn, in an order by chance, with the same number of requests of a row each, one
after the other; what is compared are turns of the same round. "base" is another
installation of tfnative, as one from before there were traces: a second one of this
one, where none is given, shows how far two of the same are apart.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measure import machine
from benchmarks.process import WorkerProcess
from benchmarks.worker import RESULT

WORKER = Path(__file__).with_name("tracing_worker.py")
APIS = ("grpc", "rest")
CONTESTANTS = ("base", "off", "sampled out", "on")
"""Without traces, before and now; with those of one request in 1000; with all."""
MEASURES = ("micros", "cpu_micros")
"""Until the answer is there, the median; processor time of client and server, the mean,
which what else the machine does changes less."""

Found = dict[str, dict[str, list[float]]]

_EXAMPLES = """\
  python -m benchmarks.serving.tracing build/net
  python -m benchmarks.serving.tracing build/net --base ../before/.venv/bin/python
  python -m benchmarks.serving.tracing build/net --batched --json traces.json

Read the column "over base": by how many microseconds a request takes longer than
without traces, in pairs of the same round, with the middle half of all pairs. If that
has 0 in it, there is no difference that this machine can show.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what the command line asks for. Slow is not an error."""
    options = _options(arguments)
    with sink() as endpoint:
        found = {api: _measure(api, endpoint, options) for api in APIS}
    content = {
        "machine": machine(),
        "batched": options.batched,
        "rounds": options.rounds,
        "requests": options.requests,
        "micros": found,
        "over_base": {
            api: {
                measure: {name: over_base(turns, name) for name in CONTESTANTS[1:]}
                for measure, turns in measures.items()
            }
            for api, measures in found.items()
        },
    }
    if options.json:
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    Console().print(_table(found))
    return 0


def over_base(turns: dict[str, list[float]], name: str) -> dict[str, float]:
    """By how much a contestant takes longer, in pairs of the same round.

    Returns:
        The median of all pairs, and the ends of their middle half, in microseconds.
    """
    pairs = [a - b for a, b in zip(turns[name], turns["base"], strict=True)]
    low, median, high = statistics.quantiles(pairs, n=4)
    return {"low": low, "median": median, "high": high}


@contextmanager
def sink() -> Iterator[str]:
    """The address of a collector that takes spans, and forgets them."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _measure(api: str, endpoint: str, options: argparse.Namespace) -> Found:
    """Microseconds of a request, by measure, contestant and round."""
    chance = random.Random(options.seed)
    turns: Found = {measure: {name: [] for name in CONTESTANTS} for measure in MEASURES}
    with ExitStack() as stack:
        workers = {}
        for name in CONTESTANTS:
            python = options.base if name == "base" else sys.executable
            batching = "batched" if options.batched else "alone"
            command = [str(python), str(WORKER), str(options.model)]
            workers[name] = WorkerProcess(
                name, [*command, api, name, batching, endpoint, RESULT]
            )
            stack.callback(workers[name].close)
        for round_ in range(-1, options.rounds):  # The first one warms up.
            for name in chance.sample(CONTESTANTS, len(CONTESTANTS)):
                answer = workers[name].ask(str(options.requests))
                if answer is None:
                    raise SystemExit(f"{name}: {workers[name].problem}")
                for measure in MEASURES if round_ >= 0 else ():
                    turns[measure][name].append(float(answer[measure]))
    return turns


def _table(found: dict[str, Found]) -> Table:
    table = Table(title="Microseconds of a request, and over base")
    for heading in ("api", "of", "contestant", "median", "over base", "middle half"):
        table.add_column(heading)
    for api, measures in found.items():
        for measure, turns in measures.items():
            for name, values in turns.items():
                cells = [api, measure, name, f"{statistics.median(values):.0f}"]
                if name != "base":
                    over = over_base(turns, name)
                    cells += [
                        f"{over['median']:+.0f}",
                        f"{over['low']:+.0f} to {over['high']:+.0f}",
                    ]
                table.add_row(*cells)
    return table


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving.tracing",
        description=(__doc__ or "").split(":", 1)[1].strip(),
        epilog="examples:\n" + _EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="ARTIFACT", help="a compiled model to serve")
    add(
        "--base",
        type=Path,
        default=Path(sys.executable),
        metavar="PYTHON",
        help="the Python of another installation (default: this one)",
    )
    add("--batched", action="store_true", help="with a batching queue")
    add("--rounds", type=int, default=20, help="turns of each (default: 20)")
    add("--requests", type=int, default=300, help="in a turn (default: 300)")
    add("--seed", type=int, default=0, help="of the order (default: 0)")
    add("--json", type=Path, metavar="FILE", help="also write the numbers there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
