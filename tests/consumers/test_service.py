# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The example service answers, says what went wrong, and ends without losing any."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.consumers.programs import ROOT, ROWS, run

httpx = pytest.importorskip("httpx")
pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

SERVICE = ROOT / "examples" / "service"


class Service:
    """The service in a process of its own."""

    def __init__(self, **environment: str) -> None:
        with socket.create_server(("localhost", 0)) as taken:
            port = taken.getsockname()[1]
        self.address = f"http://localhost:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)],
            cwd=SERVICE,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(300):
            try:
                httpx.get(f"{self.address}/healthz").raise_for_status()
                return
            except httpx.HTTPError:
                assert self.process.poll() is None, self.process.communicate()[0]
                time.sleep(0.1)
        raise TimeoutError(self.address)

    def ask(self, instances: object) -> httpx.Response:
        """Asks for predictions."""
        body = {"instances": instances}
        return httpx.post(f"{self.address}/predict", json=body, timeout=30)


@pytest.fixture(scope="module")
def service(digits: Path) -> Iterator[Service]:
    service = Service(MODEL=str(digits))
    yield service
    service.process.kill()
    service.process.communicate()


@pytest.fixture(scope="module")
def rows(images: Path) -> list[object]:
    values: list[object] = np.fromfile(images, "f4").reshape(ROWS, 8, 8, 1).tolist()
    return values


def test_it_predicts_as_the_model_does(service: Service, digits: Path, rows: list):
    expected = tfnative.load(digits).predict(np.array(rows, "f4"))
    found = service.ask(rows[:32]).json()["predictions"]
    np.testing.assert_allclose(found, expected[:32], rtol=1e-5, atol=1e-6)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda row: service.ask([row]).json(), rows))
    singles = [answer["predictions"][0] for answer in answers]
    np.testing.assert_allclose(singles, expected, rtol=1e-5, atol=1e-6)
    metrics = httpx.get(f"{service.address}/metrics").text
    assert 'tfnative_batcher_request_count{model_name="digits"}' in metrics


@pytest.mark.parametrize("instances", [[[1, 2, 3]], [["a"]], [[[1]], [[1, 2]]], 5])
def test_bad_rows_are_the_clients_fault(service: Service, instances: object):
    answer = service.ask(instances)
    assert answer.status_code in (400, 422), answer.text


def test_a_full_queue_asks_to_come_back(digits: Path, rows: list, tmp_path: Path):
    parameters = tmp_path / "batching.txt"
    parameters.write_text(
        "max_batch_size { value: 8 } batch_timeout_micros { value: 3000000 }"
        "max_enqueued_batches { value: 1 } num_batch_threads { value: 1 }"
    )
    service = Service(
        MODEL=str(digits), BATCHING_PARAMETERS=str(parameters), TIMEOUT_SECONDS="0.5"
    )
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(service.ask, [rows[:5]] * 2))
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [503, 504]
        rejected = next(a for a in answers if a.status_code == 503)
        assert rejected.headers["Retry-After"] == "1"
        assert "5 rows of 1 requests wait" in rejected.json()["error"]
    service.process.send_signal(signal.SIGTERM)
    service.process.communicate(timeout=30)
    assert service.process.returncode in (0, -signal.SIGTERM)


def test_what_is_in_flight_is_answered_before_it_ends(
    digits: Path, rows: list, tmp_path: Path
):
    parameters = tmp_path / "batching.txt"
    parameters.write_text(
        "max_batch_size { value: 32 } batch_timeout_micros { value: 1000000 }"
        "num_batch_threads { value: 1 }"
    )
    service = Service(
        MODEL=str(digits), BATCHING_PARAMETERS=str(parameters), TIMEOUT_SECONDS="30"
    )
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(service.ask, [row]) for row in rows[:8]]
        waiting = 'tfnative_batcher_queued_rows{model_name="digits"} 8\n'
        while waiting not in httpx.get(f"{service.address}/metrics").text:
            assert not any(answer.done() for answer in answers)
        service.process.send_signal(signal.SIGTERM)
        assert [answer.result().status_code for answer in answers] == [200] * 8
    service.process.communicate(timeout=30)
    assert service.process.returncode in (0, -signal.SIGTERM)


def test_the_rows_of_a_client_that_goes_away_leave_the_queue(
    digits: Path, rows: list, tmp_path: Path
):
    parameters = tmp_path / "batching.txt"
    parameters.write_text(
        "max_batch_size { value: 32 } batch_timeout_micros { value: 60000000 }"
        "num_batch_threads { value: 1 }"
    )
    service = Service(
        MODEL=str(digits), BATCHING_PARAMETERS=str(parameters), TIMEOUT_SECONDS="60"
    )
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{service.address}/predict", json={"instances": rows[:3]}, timeout=0.5
        )
    cancelled = 'tfnative_batcher_errors{model_name="digits",code="CANCELLED"} 1\n'
    for _ in range(100):
        metrics = httpx.get(f"{service.address}/metrics").text
        if cancelled in metrics:
            break
        time.sleep(0.1)
    assert cancelled in metrics
    assert 'tfnative_batcher_queued_rows{model_name="digits"} 0\n' in metrics
    service.process.send_signal(signal.SIGTERM)
    service.process.communicate(timeout=30)


def test_the_load_test_says_how_it_did(service: Service, rows: list, tmp_path: Path):
    row = tmp_path / "row.json"
    row.write_text(json.dumps(rows[0]))
    said = run(
        sys.executable,
        SERVICE / "load_test.py",
        service.address,
        row,
        "--clients",
        "4",
        "--seconds",
        "0.5",
    )
    assert " rows/s, 0 failed" in said
    assert "rows per batch" in said
