# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Our client asks pythie-serving, somebody else's server with the same API.

It wants another NumPy and protobuf than we have, so it is installed into a folder of
its own and runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tfnative

pytest.importorskip("grpc", reason="needs grpcio")

from tests.python.serving.official_server import unused_port
from tfnative import serving

pytestmark = pytest.mark.skipif(
    os.environ.get("TFNATIVE_ALL_CLIENTS", "") != "1",
    reason="installs others' packages: make test-clients, or TFNATIVE_ALL_CLIENTS=1",
)

TABLE = "colour,size,price\nred,1,10\nred,2,20\nblue,1,30\n"
METADATA = {
    "feature_names": ["colour", "size"],
    "target_name": "price",
    "data_type": {"colour": "str", "size": "int", "price": "int"},
    "default_value": -1,
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pythie")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
    packages = ["pythie-serving==3.4.3", "setuptools<81"]
    done = subprocess.run(
        [*install, "--target", str(folder), "--only-binary=:all:", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        pytest.skip(f"pythie-serving cannot be installed here: {reason}")
    return folder


@pytest.fixture
def address(packages: Path, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "prices.csv").write_text(TABLE)
    (tmp_path / "metadata.json").write_text(json.dumps(METADATA))
    config = tmp_path / "models.config"
    config.write_text(
        "model_config_list { config { name: 'prices' model_platform: 'table'"
        f" base_path: '{tmp_path}' }} }}"
    )
    port = unused_port()
    code = "from pythie_serving.run import run; run()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(config), "--port", str(port)],
        env={**os.environ, "PYTHONPATH": str(packages)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield f"localhost:{port}"
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_it_answers_our_client(address):
    # It is not there at once, and does not know of GetModelStatus.
    retry = serving.Retry(max_attempts=100, initial_delay_seconds=0.2)
    breaker = serving.Breaker(failures=0)
    inputs = {
        "colour": np.array([[b"red"], [b"blue"], [b"green"]], object),
        "size": np.array([[2], [1], [1]], np.int32),
    }
    client = serving.Client(address, retry=retry, breaker=breaker, timeout=60)
    with client:
        found = client.predict("prices", inputs)
        assert found["predictions"].tolist() == [20, 30, -1]
        with pytest.raises(tfnative.UnimplementedError):
            client.status("prices")
        with pytest.raises(tfnative.Error, match="Unknown model"):
            client.predict("other", inputs)
