# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""tritonclient, somebody else's client of the Open Inference Protocol, asks our server.

It wants another protobuf than we have, so it is installed into a folder of its own and
runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.python.serving.server.inference_echo import echoing

pytestmark = pytest.mark.skipif(
    os.environ.get("TFNATIVE_ALL_CLIENTS", "") != "1",
    reason="installs others' packages: make test-clients, or TFNATIVE_ALL_CLIENTS=1",
)

ASKS = Path(__file__).parent / "triton_asks.py"


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("triton")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
    done = subprocess.run(
        [
            *install,
            "--target",
            str(folder),
            "--only-binary=:all:",
            "tritonclient[http,grpc]>=2.50",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        pytest.skip(f"tritonclient cannot be installed here: {reason}")
    return folder


@pytest.mark.slow
def test_it_gets_what_it_sends(packages, versions):
    with echoing(versions) as running:
        rest = running.rest.removeprefix("http://")
        done = subprocess.run(
            [sys.executable, str(ASKS), running.grpc, rest],
            env={**os.environ, "PYTHONPATH": str(packages)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.stdout == "ok\n", done.stderr
