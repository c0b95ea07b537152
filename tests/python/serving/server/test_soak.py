# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server under load for a long time answers rightly, and does not grow.

`make test-soak-server` does so for half an hour.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.python.serving.server.served_process import ServedProcess
from tests.python.serving.server.soak import Soak

SECONDS = 60 * float(os.environ.get("TFNATIVE_SOAK_MINUTES", "0.2"))
MEBIBYTE = 1 << 20


@pytest.mark.slow
def test_a_server_answers_rightly_and_does_not_grow(artifacts, tmp_path):
    versions = tmp_path / "affine"
    versions.mkdir()
    (versions / "1").symlink_to(artifacts[1])
    batching = tmp_path / "batching.txt"
    batching.write_text("max_batch_size { value: 16 }")
    server = ServedProcess(
        *(str(versions), "--poll-seconds=0.2"),
        f"--batching-parameters-file={batching}",
    )
    try:
        found = asyncio.run(Soak(server, versions, artifacts).run(SECONDS))
        server.tell()
        assert server.wait() == 0
    finally:
        server.kill()
    rss = found.growth(lambda sample: sample.rss_bytes)
    descriptors = found.growth(lambda sample: sample.descriptors)
    threads = found.growth(lambda sample: sample.threads)
    print(f"capacity {found.capacity:.0f} requests/s, asked for 80% of it")
    print(f"{dict(found.counts)}, {found.swaps} swaps, {len(found.wrong)} wrong")
    print(f"RSS {rss[0] / MEBIBYTE:.1f} MiB, then {rss[1] / MEBIBYTE:.1f} MiB")
    print(f"descriptors {descriptors[0]:.0f}, then {descriptors[1]:.0f}")
    print(f"threads {threads[0]:.0f}, then {threads[1]:.0f}")
    assert found.wrong == []
    assert found.swaps > 0
    assert found.counts["answered"] > 0
    assert rss[1] <= rss[0] * 1.03 + 8 * MEBIBYTE
    assert descriptors[1] <= descriptors[0] + 16
    assert threads[1] <= threads[0] + 8
