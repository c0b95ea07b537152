# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Large requests do not keep small ones waiting: where their bytes are dealt with."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

httpx = pytest.importorskip("httpx", reason="needs httpx")

from tfnative.serving.server.http_protocol import READ_BYTES  # noqa: E402
from tfnative.serving.server.rest_body import MOVED_BYTES, Bytes  # noqa: E402

PREDICT = "/v1/models/affine:predict"
BODY = json.dumps({"signature_name": "affine", "instances": [[1, 2, 3]]}).encode()
EXPECTED = {"predictions": [[4, 6, 8]]}
LARGE = BODY + b" " * (5 * MOVED_BYTES + 1000 - len(BODY))
MOVING = "tfnative-move"


@pytest.fixture
def moved(monkeypatch) -> list[tuple[str, int]]:
    """Which thread has put how many bytes into a body."""
    found: list[tuple[str, int]] = []
    put = Bytes.put

    def noted(self, chunk):
        found.append((threading.current_thread().name.rsplit("_", 1)[0], len(chunk)))
        put(self, chunk)

    monkeypatch.setattr(Bytes, "put", noted)
    return found


@pytest.fixture
def claimed(monkeypatch) -> list[int]:
    """How many bytes came at a time."""
    found: list[int] = []
    claim = Bytes.claim

    def noted(self, count):
        found.append(count)
        claim(self, count)

    monkeypatch.setattr(Bytes, "claim", noted)
    return found


def in_pieces():
    for begin in range(0, len(LARGE), 1 << 20):
        yield LARGE[begin : begin + (1 << 20)]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_large_bodies_are_put_together_outside_of_the_event_loop(
    serve, settings, moved, is_chunked
):
    server = serve(settings)
    body = in_pieces() if is_chunked else LARGE
    assert httpx.post(server.rest + PREDICT, content=body).json() == EXPECTED
    assert sum(count for _, count in moved) == len(LARGE)
    assert {name for name, count in moved if count} == {MOVING}
    assert len(moved) < 10


def test_small_bodies_wait_for_no_thread(serve, settings, moved):
    server = serve(settings)
    assert httpx.post(server.rest + PREDICT, content=BODY).json() == EXPECTED
    assert len(moved) == 1
    assert moved[0][0] != MOVING


def test_the_event_loop_is_given_few_bytes_at_a_time(serve, settings, claimed):
    server = serve(settings)
    assert httpx.post(server.rest + PREDICT, content=LARGE).json() == EXPECTED
    assert sum(claimed) == len(LARGE)
    # uvicorn reads once more if it has not more than 64 KiB.
    assert max(claimed) <= 2 * READ_BYTES


_PRINTS_SETTINGS = """
import atexit, gc, sys
from tfnative.cli import main
atexit.register(lambda: print(sys.getswitchinterval(), gc.get_freeze_count()))
main(["serve", sys.argv[2]], owns_process=sys.argv[1] == "own")
"""


@pytest.mark.parametrize("whose", ["own", "shared"])
def test_turns_are_shorter_in_a_process_that_only_serves(tmp_path, whose):
    command = [sys.executable, "-c", _PRINTS_SETTINGS, whose, str(tmp_path / "none")]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )
    assert "none" in ended.stderr
    seconds, frozen = ended.stdout.split()
    if whose == "own":
        assert float(seconds) == 0.001
        assert int(frozen) > 10_000
    else:
        assert (float(seconds), int(frozen)) == (sys.getswitchinterval(), 0)
