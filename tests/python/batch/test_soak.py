# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""After any use, every request was answered once, and nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SECONDS = float(os.environ.get("TFNATIVE_SOAK_SECONDS", "20"))
MEMORY_BYTES = 4 << 20
"""By so much a process may grow after it has warmed up: a few bytes per request."""

HAPPENED = {
    "answered",
    "swaps",
    "task cancelled",
    "traced batches",
    "CancelledError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InternalError",
    "InvalidArgumentError",
    "ResourceExhaustedError",
    "UnavailableError",
}


@pytest.mark.slow
@pytest.mark.alone  # It would disturb tests that wait, and they it.
def test_batchers_answer_every_request_once_and_leave_nothing_behind(fake: Path):
    seed = time.time_ns() % 1_000_000
    command = [sys.executable, "-m", "tests.python.batch.soak"]
    print(f"seed {seed}")
    done = subprocess.run(
        [*command, str(SECONDS), str(seed), str(fake)],
        capture_output=True,
        text=True,
        timeout=4 * SECONDS + 300,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = json.loads(done.stdout)
    print(report)
    totals = report["totals"]
    assert totals["asked"] == sum(
        count
        for name, count in totals.items()
        if name.endswith("Error") or name in ("answered", "task cancelled")
    )
    assert totals.keys() >= HAPPENED
    assert totals["lives"] > 20
    assert report["after"] == report["before"]
    warm, *later = report["memory"]
    assert max(later) - warm < MEMORY_BYTES, report["memory"]
