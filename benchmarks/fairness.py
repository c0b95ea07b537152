# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How much longer small requests take while somebody sends large ones.

python -m benchmarks.fairness build/digits

starts ``tfnative serve`` and asks it for one row over gRPC, at fixed times, from which
latencies count. It does so while nobody else asks; while another client sends a large
REST request each second, or the next one as soon as the answer came, to a program that
throws it away; and while it sends that to the server. What the second one takes longer
than the first is not the server's: both clients have the same processors as the server.

Each part comes several times, in turn, and medians count.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
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
        p90: 90 of 100 took less.
        p99: 99 of 100 took less.
    """

    requests: int
    large: int
    p50: float
    p90: float
    p99: float

    @classmethod
    def of(cls, parts: Sequence[Latencies]) -> Latencies:
        """The sums and medians of several."""
        return cls(
            sum(part.requests for part in parts),
            sum(part.large for part in parts),
            statistics.median(part.p50 for part in parts),
            statistics.median(part.p90 for part in parts),
            statistics.median(part.p99 for part in parts),
        )


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
    path = f"/v1/models/{model}:predict"
    _small(*ask)  # To warm up.
    parts: dict[str, list[Latencies]] = {"quiet": [], "thrown away": [], "busy": []}
    with _sink(ports["rest_port"], path, body) as sink:
        for _ in range(options.rounds):
            parts["quiet"].append(_small(*ask))
            for name, port in (("thrown away", sink), ("busy", ports["rest_port"])):
                with _sending(port, path, body, options.pause) as answered:
                    before = answered.value
                    part = _small(*ask)
                    large = answered.value - before
                parts[name].append(replace(part, large=large))
    found = {name: Latencies.of(each) for name, each in parts.items()}
    for name, each in found.items():
        _print(name, each)
    ratios = {
        name: found["busy"].p99 / found[name].p99 for name in ("quiet", "thrown away")
    }
    print(
        f"beside {len(body) / 1e6:.0f} MB of JSON the p99 is {ratios['quiet']:.2f}"
        f" times that without (target: {TARGET:.0f}), and {ratios['thrown away']:.2f}"
        " times that beside as many bytes that are thrown away"
    )
    return {
        "parts": {name: list(map(asdict, each)) for name, each in parts.items()},
        "quiet": asdict(found["quiet"]),
        "thrown_away": asdict(found["thrown away"]),
        "busy": asdict(found["busy"]),
        "ratio": ratios["quiet"],
        "ratio_to_thrown_away": ratios["thrown away"],
    }


@contextmanager
def _sending(port: int, path: str, body: bytes, pause: float) -> Iterator[Any]:
    """Has a process send large requests, from when the first was answered."""
    context = multiprocessing.get_context("spawn")
    answered = context.Value("i", 0)
    sender = context.Process(
        target=send_large, args=(port, path, body, pause, answered), daemon=True
    )
    sender.start()
    try:
        while not answered.value and sender.is_alive():
            time.sleep(0.05)
        yield answered
    finally:
        sender.terminate()
        sender.join()


@contextmanager
def _sink(port: int, path: str, body: bytes) -> Iterator[int]:
    """Has a process throw requests away and answer as many bytes as the server."""
    connection = HTTPConnection("localhost", port, timeout=120)
    connection.request("POST", path, body)
    answer_bytes = len(connection.getresponse().read())
    connection.close()
    context = multiprocessing.get_context("spawn")
    with socket.create_server(("localhost", 0)) as listening:
        process = context.Process(
            target=throw_away, args=(listening, len(body), answer_bytes), daemon=True
        )
        process.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            process.terminate()
            process.join()


def throw_away(listening: socket.socket, body_bytes: int, answer_bytes: int) -> None:
    """Answers requests of one size without a look at them, for ever.

    Its process gives way to others, as that of the client does.
    """
    os.nice(10)
    content, answer = bytearray(1 << 16), bytes(answer_bytes)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {answer_bytes}\r\n\r\n".encode()
    while True:
        connection, _ = listening.accept()
        with connection:
            while begin := connection.recv(1 << 16):
                while b"\r\n\r\n" not in begin:
                    begin += connection.recv(1 << 16)
                left = body_bytes - len(begin.partition(b"\r\n\r\n")[2])
                while left > 0 and (count := connection.recv_into(content)):
                    left -= count
                connection.sendall(head)
                connection.sendall(answer)


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
    return Latencies(len(taken), 0, cuts[49], cuts[89], cuts[98])


def _print(what: str, found: Latencies) -> None:
    print(
        f"{what}: p50 {found.p50:.2f} ms, p90 {found.p90:.2f} ms, p99 {found.p99:.2f}"
        f" ms, of {found.requests} requests for one row; {found.large} large ones"
        " answered",
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
    add("--seconds", type=float, default=5, help="of each part (default: 5)")
    add("--rounds", type=int, default=5, help="of each part (default: 5)")
    add("--json", type=Path, help="also write what was found to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
