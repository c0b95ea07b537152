# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A contestant with its model in a process of its own, kept busy turn by turn.

python -m benchmarks.batching.worker NAME MODEL ANSWER.npz ROWS MAX_BATCH_SIZE \
    BATCH_TIMEOUT_MICROS NUM_BATCH_THREADS

checks the answers to requests of ROWS rows each, which it sends all at once, prints how
far they are from TensorFlow's, and then for each line on standard input, CALLERS
SECONDS, what came about.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.batching.loads import Server
from benchmarks.batching.servers import CONTESTANTS, Batching, only
from benchmarks.contestants import Arrays
from benchmarks.worker import RESULT, TOLERANCE


def main(name: str, model: str, answer: str, rows: str, *batching: str) -> None:
    """Serves turns until standard input ends."""
    server = CONTESTANTS[name].serve(Path(model), Batching(*map(int, batching)))
    requests, expected = read_requests(Path(answer), int(rows))
    print(RESULT + json.dumps(check(server, requests, expected)), flush=True)
    for line in sys.stdin:
        callers, seconds = line.split()
        done = server.keep_busy(requests, int(callers), float(seconds))
        print(RESULT + json.dumps(asdict(done)), flush=True)


def read_requests(answer: Path, rows: int) -> tuple[list[Arrays], np.ndarray]:
    """Requests of so many rows each, as many as there are, and all their answers."""
    known = dict(np.load(answer))
    inputs = {name[6:]: value for name, value in known.items() if name[:6] == "input:"}
    count = len(known["output"]) // rows
    requests = [
        {name: value[i * rows : (i + 1) * rows] for name, value in inputs.items()}
        for i in range(count)
    ]
    return requests, known["output"][: count * rows]


def check(server: Server, requests: list[Arrays], expected: np.ndarray) -> float:
    """The largest error, relative to the largest value.

    Raises:
        SystemExit: It is too large.
    """
    got = np.concatenate([only(answer) for answer in server.ask_all(requests)])
    error = float(np.max(np.abs(got - expected)) / np.max(np.abs(expected)))
    if not error <= TOLERANCE:
        raise SystemExit(f"wrong by {error:.1e}, relative to the largest value")
    return error


if __name__ == "__main__":
    main(*sys.argv[1:])
