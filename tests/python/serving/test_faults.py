# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to servers and networks: an answer or an error, in time."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import tfnative

for package in ("grpc", "httpx", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tests.python.cli.test_serve import Process  # noqa: E402
from tests.python.serving.unreliable_proxy import UnreliableProxy  # noqa: E402
from tfnative import serving  # noqa: E402

# Of all kinds together: of 10,000, 2,500 each take half a minute.
CALLS = 10_000 if "TFNATIVE_SOAK_MINUTES" in os.environ else 3_000
CALLERS = 16
TIMEOUT = 0.3
X = np.arange(3, dtype=np.float32).reshape(1, 3)


@pytest.fixture
def models(artifacts: dict[int, Path], tmp_path: Path) -> Path:
    folder = tmp_path / "affine"
    folder.mkdir()
    (folder / "1").symlink_to(artifacts[1])
    return folder


@pytest.fixture
def server(models: Path) -> Iterator[Process]:
    started = Process(str(models))
    yield started
    started.process.kill()
    started.process.communicate()


def port_of(server: Process, api: str) -> int:
    return int(server.said["port" if api == "grpc" else "rest_port"])


def address_of(port: int, api: str) -> str:
    return f"localhost:{port}" if api == "grpc" else f"http://localhost:{port}"


class Tally:
    """What came of calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.results: Counter[str] = Counter()
        self.longest = 0.0

    def note(self, result: str, started: float) -> None:
        with self._lock:
            self.results[result] += 1
            self.longest = max(self.longest, time.monotonic() - started)


def held() -> tuple[int, int, float]:
    """Threads, open files, and MiB of memory of this process."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    (kilobytes,) = (
        int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line
    )
    return threading.active_count(), len(os.listdir("/proc/self/fd")), kilobytes / 1024


def scaled(row: int) -> np.ndarray:
    return X + row


def ask(address: str, calls: int, tally: Tally) -> None:
    """Asks from several threads, each row once."""

    def call(client: serving.Client, row: int) -> None:
        started = time.monotonic()
        try:
            found = client.predict("affine", {"x": scaled(row)}, signature="affine")
        except tfnative.Error as error:
            tally.note(type(error).__name__, started)
            return
        right = found["y"].tolist() == (2 * scaled(row) + 1).tolist()
        tally.note("right" if right else "wrong", started)

    breaker = serving.Breaker(failures=0)
    client = serving.Client(address, timeout=TIMEOUT, breaker=breaker)
    with client, ThreadPoolExecutor(CALLERS) as pool:
        for done in [pool.submit(call, client, row) for row in range(calls)]:
            done.result()


async def ask_async(address: str, calls: int, tally: Tally) -> None:
    """Likewise, from as many coroutines."""
    rows = iter(range(calls))

    async def call(client: serving.AsyncClient) -> None:
        for row in rows:
            started = time.monotonic()
            inputs = {"x": scaled(row)}
            try:
                found = await client.predict("affine", inputs, signature="affine")
            except tfnative.Error as error:
                tally.note(type(error).__name__, started)
                continue
            right = found["y"].tolist() == (2 * scaled(row) + 1).tolist()
            tally.note("right" if right else "wrong", started)

    breaker = serving.Breaker(failures=0)
    client = serving.AsyncClient(address, timeout=TIMEOUT, breaker=breaker)
    async with client:
        await asyncio.gather(*(call(client) for _ in range(CALLERS)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["threads", "coroutines"])
@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_calls_over_a_bad_network_end_in_time_and_leave_nothing(server, api, kind):
    def run(address: str, calls: int) -> Tally:
        tally = Tally()
        if kind == "threads":
            ask(address, calls, tally)
        else:
            asyncio.run(ask_async(address, calls, tally))
        return tally

    proxy = UnreliableProxy(port_of(server, api), chance=0.01, wait_seconds=0.6)
    address = address_of(proxy.port, api)
    try:
        run(address, CALLS // 40)  # What is made once.
        threads, files, memory = held()
        calls = CALLS // 4  # Of each api and kind.
        tally = run(address, calls)
        assert sum(tally.results.values()) == calls
        assert sum(proxy.faults.values()) > 5, "the network was to be bad"
        assert tally.results["wrong"] == 0
        allowed = {"right", "UnavailableError", "DeadlineExceededError"}
        assert tally.results.keys() <= allowed
        assert tally.results["right"] > calls // 2, tally.results
        assert tally.longest < TIMEOUT + 1.5
    finally:
        proxy.stop()
    after = held()
    assert after[0] <= threads, [thread.name for thread in threading.enumerate()]
    assert after[1] <= files + 5
    assert after[2] < memory + 24


@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_a_server_that_is_killed_in_a_call_is_unavailable(models, api, tmp_path):
    batching = tmp_path / "batching.txt"
    batching.write_text(
        "max_batch_size { value: 16 } batch_timeout_micros { value: 60000000 }"
    )
    server = Process(str(models), "--batching-parameters-file", str(batching))
    address = address_of(port_of(server, api), api)
    killer = threading.Timer(0.7, server.process.send_signal, (signal.SIGKILL,))
    once = serving.Retry(max_attempts=1)
    with serving.Client(address, retry=once, timeout=30) as client:
        client.status("affine")
        killer.start()
        started = time.monotonic()
        with pytest.raises(tfnative.UnavailableError):
            client.predict("affine", {"x": X}, signature="affine")
        took = time.monotonic() - started
    server.process.communicate()
    assert 0.5 < took < 10, "it noticed when the server was killed, not at the timeout"


def test_a_server_that_comes_back_is_used_again(models):
    server = Process(str(models))
    port = port_of(server, "grpc")
    with serving.Client(f"localhost:{port}", timeout=2) as client:
        client.status("affine")
        server.process.kill()
        server.process.communicate()
        with pytest.raises(tfnative.UnavailableError):
            client.status("affine")
        again = Process(str(models), "--port", str(port))
        try:
            assert client.wait_until_ready("affine", timeout=20) == 1
            found = client.predict("affine", {"x": X}, signature="affine")
            assert found["y"].tolist() == (2 * X + 1).tolist()
        finally:
            again.end()


def test_a_full_queue_is_unavailable_at_once(models, tmp_path):
    batching = tmp_path / "batching.txt"
    batching.write_text(
        "max_batch_size { value: 4 } max_enqueued_batches { value: 1 }"
        "num_batch_threads { value: 1 } batch_timeout_micros { value: 2000000 }"
    )
    server = Process(str(models), "--batching-parameters-file", str(batching))
    once = serving.Retry(max_attempts=1)

    def call(address: str, rows: int) -> list[list[float]]:
        with serving.Client(address, retry=once, timeout=20) as client:
            inputs = {"x": np.repeat(X, rows, 0)}
            return client.predict("affine", inputs, signature="affine")["y"].tolist()

    try:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(call, server.grpc, 1)
            time.sleep(0.7)  # It waits for others to fill its batch.
            for address in (server.grpc, server.rest):
                started = time.monotonic()
                with pytest.raises(tfnative.UnavailableError, match="queue"):
                    call(address, 4)  # Does not fit into that batch.
                assert time.monotonic() - started < 1
            assert first.result() == (2 * X + 1).tolist()
    finally:
        server.end()
