# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Connections that come to nothing, or are too many, do not keep others out."""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import time

import httpx
import pytest

from tests.python.serving.server.served_process import ServedProcess
from tfnative.serving.server.descriptors import Sometimes
from tfnative.serving.server.limits import RequestLimits
from tfnative.serving.server.tls import ServerTls

FEW = 200
"""Descriptors of the server's process."""
SECONDS = 60


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=SECONDS)


def is_ended(connection: socket.socket) -> bool:
    """Waits until the server ends it."""
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


def test_what_must_not_happen_often_is_due_now_and_then():
    now = [5.0]
    sometimes = Sometimes(60, lambda: now[0])
    assert [sometimes.is_due() for _ in range(3)] == [True, False, False]
    now[0] += 60
    assert [sometimes.is_due() for _ in range(2)] == [True, False]


@pytest.mark.parametrize("api", ["port", "rest_port"])
def test_a_tls_handshake_that_never_comes_ends_the_connection(
    serve, settings, authority, api
):
    server = serve(
        settings,
        tls=ServerTls(*authority.server),
        limits=RequestLimits(read_timeout_seconds=1),
    ).server
    with connect(getattr(server, api)) as silent:
        assert is_ended(silent)


def test_a_connection_to_grpc_that_says_nothing_is_ended(serve, settings):
    limits = RequestLimits(read_timeout_seconds=1)
    with connect(serve(settings, limits=limits).server.port) as silent:
        assert is_ended(silent)


def limited_server(folder: str) -> ServedProcess:
    """A server whose process may have few descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, hard))
    try:
        return ServedProcess(folder, "--name=affine", "--read-timeout-seconds=600")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
def test_too_many_connections_leave_a_line_and_do_no_harm(versions):
    server = limited_server(str(versions))
    try:
        with contextlib.ExitStack() as stack:
            for port in (server.rest_port, server.port):
                for _ in range(FEW):
                    stack.enter_context(connect(port))
            time.sleep(3)  # asyncio tries again every second.
        until = time.monotonic() + SECONDS
        while True:
            try:
                assert httpx.get(f"{server.rest}/livez", timeout=5).text == "ok"
                break
            except httpx.TransportError:
                assert time.monotonic() < until
                time.sleep(0.2)
        server.tell(signal.SIGTERM)
        _, said = server.process.communicate(timeout=SECONDS)
        lines = said.splitlines()
        assert sum("connections over REST are refused" in line for line in lines) >= 1
        assert len(lines) < 50, "\n".join(lines[:50])
        assert server.process.returncode == 0
    finally:
        server.kill()
