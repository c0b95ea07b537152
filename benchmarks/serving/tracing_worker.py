# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A contestant of benchmarks.serving.tracing: a server, and a client that asks it.

tracing_worker.py ARTIFACT grpc|rest CONTESTANT alone|batched ENDPOINT PREFIX

prints a result for each line on standard input, a number of requests: the median
microseconds of one, and the mean processor time of client and server together. It
imports nothing of the benchmarks, since another installation's Python may run it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_SAMPLED_OUT = {
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.001",
}


def main(
    artifact: str, api: str, contestant: str, batching: str, endpoint: str, prefix: str
) -> None:
    """Serves turns until standard input ends."""
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    if contestant == "sampled out":
        os.environ.update(_SAMPLED_OUT)
    has_traces = contestant in ("sampled out", "on")
    if has_traces:
        from opentelemetry import trace

        from tfnative.serving.server.tracing.exporting import open_provider

        trace.set_tracer_provider(open_provider())
    options = ["--traces"] * has_traces
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        (Path(folder) / "net").mkdir()
        (Path(folder) / "net" / "1").symlink_to(Path(artifact).resolve())
        if batching == "batched":
            file = Path(folder) / "batching.txt"
            file.write_text("max_batch_size { value: 32 }")
            options += ["--batching-parameters-file", str(file)]
        said, server = stack.enter_context(_serving(f"{folder}/net", options))
        ports = {"grpc": said["port"], "rest": said["rest_port"]}
        scheme = "http://" if api == "rest" else ""
        client = stack.enter_context(_client(f"{scheme}localhost:{ports[api]}"))
        inputs, signature = _row(Path(artifact))
        client.predict("net", inputs, signature=signature)
        print(prefix + json.dumps("ready"), flush=True)
        for line in sys.stdin:
            taken = []
            cpu = _cpu_nanos(server) + _cpu_nanos(os.getpid())
            for _ in range(int(line)):
                begun = time.perf_counter_ns()
                client.predict("net", inputs, signature=signature)
                taken.append(time.perf_counter_ns() - begun)
            cpu = _cpu_nanos(server) + _cpu_nanos(os.getpid()) - cpu
            micros = statistics.median(taken) / 1000
            answer = {"micros": micros, "cpu_micros": cpu / 1000 / len(taken)}
            print(prefix + json.dumps(answer), flush=True)


def _cpu_nanos(process: int) -> int:
    """Processor time of the threads that a process has."""
    tasks = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks)


def _client(address: str) -> Any:
    from tfnative.serving import Client

    return Client(address)


@contextlib.contextmanager
def _serving(models: str, options: list[str]) -> Iterator[tuple[dict[str, Any], int]]:
    command = [sys.executable, "-m", "tfnative", "serve", models, "--json"]
    command += ["--port=0", "--rest-port=0", "--poll-seconds=0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline()), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _row(artifact: Path) -> tuple[dict[str, Any], str]:
    """Inputs of one row for the artifact's first signature, and its name."""
    import tfnative

    signature = tfnative.load(artifact).signature()
    inputs = {}
    for name, spec in signature.inputs.items():
        inputs[name] = np.zeros([1, *spec.shape[1:]], spec.dtype)
    return inputs, signature.name


if __name__ == "__main__":
    main(*sys.argv[1:])
