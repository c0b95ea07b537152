# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server refuses a request with a bad value, and no other, as TensorFlow's does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
import tfnative.serving
from tests.aot.checked_model import checked_artifact, ids
from tests.turns import Once

for package in ("grpc", "httpx", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tests.aot.running_server import Running  # noqa: E402
from tfnative.serving.server.config import ModelSettings  # noqa: E402


@pytest.fixture
def server(once: Once, tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "checked").mkdir()
    (tmp_path / "checked" / "1").symlink_to(checked_artifact(once))
    batching = tmp_path / "batching.txt"  # It waits a while for others of a batch.
    batching.write_text(
        "max_batch_size { value: 8 } batch_timeout_micros { value: 200000 }"
    )
    models = {"checked": ModelSettings("checked", str(tmp_path / "checked"))}
    running = Running(models, str(batching))
    yield running
    running.stop()


@pytest.mark.parametrize("api", ["gRPC", "REST"])
def test_in_a_batch_the_bad_request_is_refused_alone(server: Running, api: str) -> None:
    rest = f"http://localhost:{server.rest_port}"
    requests = [ids(1), ids(2, (1, 0, 10)), ids(1), ids(2)]
    with tfnative.serving.Client(
        rest if api == "REST" else f"localhost:{server.port}"
    ) as client:

        def ask(request: Any) -> Any:
            try:
                return client.predict("checked", {"ids": request})["sum"]
            except tfnative.InvalidArgumentError as error:
                return str(error)

        with ThreadPoolExecutor(len(requests)) as pool:
            answers = list(pool.map(ask, requests))
    refused = answers.pop(1)
    assert "indices[1,0] = 10 is not in [0, 10) (node" in refused
    table = np.arange(40).reshape(10, 4)
    for request, found in zip(requests[:1] + requests[2:], answers, strict=True):
        np.testing.assert_array_equal(found, table[request].sum(1))
