# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server listens where it is told to, and says so when all can reach it."""

from __future__ import annotations

import re
import socket

import numpy as np
import pytest

import tfnative
from tfnative import serving
from tfnative.serving.server.listening import (
    check_listening,
    is_loopback,
    join_host,
    warn_if_open,
)
from tfnative.serving.server.server import ServerOptions
from tfnative.serving.server.tls import ServerTls

X = np.ones((1, 3), np.float32)


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def answers(address: str) -> bool:
    retry = serving.Retry(max_attempts=1)
    with serving.Client(address, retry=retry, timeout=10) as client:
        try:
            return bool(client.predict("affine", {"x": X}, signature="affine"))
        except tfnative.UnavailableError:
            return False


def addresses(server, host: str) -> list[str]:
    return [f"{host}:{server.port}", f"http://{host}:{server.rest_port}"]


def other_address() -> str | None:
    """One of this machine that is no loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # Sends nothing.
        except OSError:
            return None
        return str(probe.getsockname()[0])


def test_by_default_only_this_machine_reaches_it(serve, settings, caplog):
    server = serve(settings, host=ServerOptions().host).server
    assert all(map(answers, addresses(server, "localhost")))
    assert not caplog.records
    other = other_address()
    if other is None or is_loopback(other):
        pytest.skip("this machine has no other address")
    assert not any(map(answers, addresses(server, other)))


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_ipv4_addresses(serve, settings, host):
    server = serve(settings, host=host).server
    assert all(map(answers, addresses(server, "127.0.0.1")))


@needs_ipv6
@pytest.mark.parametrize("host", ["::1", "[::1]", "::", "[::]"])
def test_ipv6_addresses(serve, settings, host):
    server = serve(settings, host=host).server
    assert all(map(answers, addresses(server, "[::1]")))
    is_for_all = "1" not in host
    found = [answers(address) for address in addresses(server, "127.0.0.1")]
    assert found == [is_for_all] * 2


@pytest.mark.parametrize(
    "host", ["", "[]", "\ud800", "[localhost]", "localhost:80", "[::1]:80"]
)
def test_what_is_no_host_is_refused(serve, settings, host):
    with pytest.raises(tfnative.InvalidArgumentError, match="host"):
        serve(settings, host=host)


@pytest.mark.parametrize("host", ["192.0.2.1", "name.invalid", "x" * 300, "a..b"])
def test_a_host_of_another_machine_is_refused(serve, settings, host):
    for ports in ({"port": None}, {"rest_port": None}):
        with pytest.raises(tfnative.UnavailableError, match="cannot listen at"):
            serve(settings, host=host, **ports)


def test_why_nobody_can_listen_there_is_said_in_words():
    with pytest.raises(tfnative.UnavailableError) as refused:
        check_listening("192.0.2.1", 80)
    assert re.match(r"cannot listen at 192\.0\.2\.1:80: [A-Z]\w+ ", str(refused.value))


def test_brackets_are_put_where_they_belong():
    assert join_host("::1", 80) == join_host("[::1]", 80) == "[::1]:80"
    assert join_host("fe80::1%lo", 80) == "[fe80::1%lo]:80"
    assert join_host("localhost", 80) == "localhost:80"


@pytest.mark.parametrize("address", ["::1", "::1:8500", "fe80::1:8500"])
def test_a_client_says_where_brackets_are_missing(address):
    for kind in (serving.Client, serving.AsyncClient):
        with pytest.raises(tfnative.InvalidArgumentError, match="brackets"):
            kind(address)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.5.5.5", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("name.invalid", False),
    ],
)
def test_what_only_this_machine_reaches(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "name.invalid"])
def test_a_server_that_lets_all_in_says_so(host, caplog):
    for asks in ({"asks_certificates": True}, {"asks_tokens": True}):
        options = {"asks_certificates": False, "asks_tokens": False, **asks}
        warn_if_open(host, **options)
    assert not caplog.records
    warn_if_open(host, asks_certificates=False, asks_tokens=False)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert host in record.getMessage()
    assert "--token-file" in record.getMessage()


@pytest.mark.parametrize("asks", ["nothing", "tokens", "a certificate", "certificates"])
def test_a_server_knows_whom_it_lets_in(
    serve, settings, asks, authority, tmp_path, caplog
):
    options = {}
    if asks == "tokens":
        (tmp_path / "tokens").write_text("secret")
        options["token_file"] = str(tmp_path / "tokens")
    elif asks == "a certificate":  # The server's, which asks for none.
        options["tls"] = ServerTls(*authority.server)
    elif asks == "certificates":
        options["tls"] = ServerTls(*authority.server, authority.ca)
    serve(settings, host="0.0.0.0", **options)
    warned = [record for record in caplog.records if "0.0.0.0" in record.getMessage()]
    assert len(warned) == (asks in ("nothing", "a certificate"))
