# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of fairness sends is what it says."""

from __future__ import annotations

import json
import multiprocessing
import socket
from http.client import HTTPConnection

import numpy as np

from benchmarks.fairness import Latencies, large_body, throw_away
from tfnative import Signature
from tfnative._signature import TensorSpec


def test_a_large_body_is_a_request_of_about_that_size():
    inputs = {
        "x": TensorSpec("x", np.dtype(np.float32), (-1, 3)),
        "y": TensorSpec("y", np.dtype(np.int64), (-1, 2, 2)),
    }
    body = large_body(Signature("s", inputs, {}, (), True), 0.5)
    assert 0.45e6 < len(body) < 0.55e6
    found = json.loads(body)
    assert found["signature_name"] == "s"
    x, y = (np.array(found["inputs"][name]) for name in "xy")
    assert x.shape[1:] == (3,)
    assert y.shape == (len(x), 2, 2)
    assert y.dtype == np.int64


def test_requests_that_are_thrown_away_get_answers_of_a_size():
    body, context = b"[" + b"1," * 200_000, multiprocessing.get_context("spawn")
    with socket.create_server(("localhost", 0)) as listening:
        process = context.Process(
            target=throw_away, args=(listening, len(body), 100_000), daemon=True
        )
        process.start()
        try:
            port = listening.getsockname()[1]
            connection = HTTPConnection("localhost", port, timeout=60)
            for _ in range(3):
                connection.request("POST", "/v1/models/m:predict", body)
                response = connection.getresponse()
                assert response.status == 200
                assert len(response.read()) == 100_000
            connection.close()
        finally:
            process.terminate()
            process.join()


def test_of_several_parts_medians_count():
    parts = [Latencies(10, n, 1.0 * n, 2.0 * n, 3.0 * n) for n in (1, 2, 9)]
    assert Latencies.of(parts) == Latencies(30, 12, 2.0, 4.0, 6.0)
