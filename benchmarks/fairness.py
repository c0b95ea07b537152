# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How much longer small requests take while somebody sends large ones.

python -m benchmarks.fairness build/digits

starts ``tfnative serve`` and asks it for one row over gRPC, at fixed times, from which
latencies count. It does so while nobody else asks; and while another client sends a
large REST request each second, or the next one as soon as the answer came.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import child_environment, machine
from tfnative import Signature, load, serving

TARGET = 2.0
"""Times the p99 without large requests."""


@dataclass(frozen=True)
class Latencies:
    """Milliseconds of requests for one row.

    Attributes:
        requests: How many there were.
        large: How many large ones were answered meanwhile.
        p50: Half took less.
        p99: 99 of 100 took less.
    """

    requests: int
    large: int
    p50: float
    p99: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints both and their ratio. Slow is not an error."""
    options = _options(arguments)
    with load(options.artifact) as model:
        signature = model.signature(options.signature)
        name = model.name
    with tempfile.TemporaryDirectory() as folder:
        versions = Path(folder) / name
        versions.mkdir()
        (versions / "1").symlink_to(options.artifact.resolve())
        command = ["serve", str(versions), "--host=localhost", "--json"]
        server = subprocess.Popen(
            [sys.executable, "-m", "tfnative", *command, "--port=0", "--rest-port=0"],
            stdout=subprocess.PIPE,
            text=True,
            env=child_environment(),
        )
        try:
            assert server.stdout is not None
            found = _measure(
                json.loads(server.stdout.readline()), name, signature, options
            )
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate()
    known = {"machine": machine(), "megabytes": options.megabytes, "target": TARGET}
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({**known, **found}, indent=2) + "\n")
    return 0


def _measure(
    ports: dict[str, int],
    model: str,
    signature: Signature,
    options: argparse.Namespace,
) -> dict[str, Any]:
    body = large_body(signature, options.megabytes)
    ask = (ports["port"], model, signature, options)
    _small(*ask)  # To warm up.
    quiet = _small(*ask)
    _print("quiet", quiet)
    context = multiprocessing.get_context("spawn")
    answered = context.Value("i", 0)
    path = f"/v1/models/{model}:predict"
    sender = context.Process(
        target=send_large,
        args=(ports["rest_port"], path, body, options.pause, answered),
        daemon=True,
    )
    sender.start()
    try:
        while not answered.value and sender.is_alive():
            time.sleep(0.05)
        before = answered.value
        busy = _small(*ask)
        busy = Latencies(busy.requests, answered.value - before, busy.p50, busy.p99)
    finally:
        sender.terminate()
        sender.join()
    _print(f"beside {len(body) / 1e6:.0f} MB of JSON", busy)
    ratio = busy.p99 / quiet.p99
    print(f"the p99 is {ratio:.2f} times that without (target: {TARGET:.0f})")
    return {"quiet": asdict(quiet), "busy": asdict(busy), "ratio": ratio}


def large_body(signature: Signature, megabytes: float) -> bytes:
    """A predict request of about so many megabytes."""
    generator = np.random.default_rng(1)

    def inputs(rows: int) -> bytes:
        columns = {
            spec.name: generator.random((rows, *(spec.shape or ())[1:]), np.float32)
            .astype(spec.dtype)
            .tolist()
            for spec in signature.inputs.values()
        }
        head = {"signature_name": signature.name}
        return json.dumps({**head, "inputs": columns}).encode()

    bytes_per_row = len(inputs(64)) / 64
    return inputs(max(1, int(megabytes * 1e6 / bytes_per_row)))


def send_large(port: int, path: str, body: bytes, pause: float, answered: Any) -> None:
    """Sends a request at a time, for ever.

    Its process gives way to others, since large clients are on other machines.
    """
    os.nice(10)
    content = bytearray(1 << 16)
    connection = HTTPConnection("localhost", port, timeout=120)
    while True:
        begin = time.monotonic()
        connection.request("POST", path, body)
        response = connection.getresponse()
        if response.status != 200:
            raise SystemExit(f"{response.status}: {response.read(300)!r}")
        while response.readinto(content):
            pass
        answered.value += 1
        time.sleep(max(0.0, begin + pause - time.monotonic()))


def _small(
    port: int, model: str, signature: Signature, options: argparse.Namespace
) -> Latencies:
    """Asks for one row at fixed times."""
    inputs = {
        spec.name: np.zeros((1, *(spec.shape or ())[1:]), spec.dtype)
        for spec in signature.inputs.values()
    }
    taken: list[float] = []
    with serving.Client(f"localhost:{port}") as client:
        begin = time.perf_counter()
        for number in range(int(options.seconds * options.rate)):
            due = begin + number / options.rate
            time.sleep(max(0.0, due - time.perf_counter()))
            client.predict(model, inputs, signature=signature.name)
            taken.append((time.perf_counter() - due) * 1e3)
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    return Latencies(len(taken), 0, cuts[49], cuts[98])


def _print(what: str, found: Latencies) -> None:
    print(
        f"{what}: p50 {found.p50:.2f} ms, p99 {found.p99:.2f} ms, of {found.requests}"
        f" requests for one row; {found.large} large ones answered",
        flush=True,
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("artifact", type=Path, help="folder of a compiled model")
    add("--signature", help="its signature (default: the one that it has)")
    add("--megabytes", type=float, default=50, help="of a large request (default: 50)")
    add("--pause", type=float, default=1.0, help="seconds between two (default: 1)")
    add(
        "--rate", type=float, default=200, help="small requests a second (default: 200)"
    )
    add("--seconds", type=float, default=15, help="of each part (default: 15)")
    add("--json", type=Path, help="also write what was found to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
