# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A port is a number of 16 bits, and no other number is taken for one."""

from __future__ import annotations

import socket

import pytest

import tfnative
from tfnative import cli, serving
from tfnative.serving.channels.address import is_rest
from tfnative.serving.server.server import ServerOptions

WRONG = [-1, 65536, 65537, 70000, -65536, 2**31, 2**64]


@pytest.mark.parametrize("port", [*WRONG, True, 8500.0, "8500"])
def test_a_server_takes_no_other_number(port):
    with pytest.raises(tfnative.InvalidArgumentError, match="port must be"):
        ServerOptions(port=port)
    with pytest.raises(tfnative.InvalidArgumentError, match="rest_port must be"):
        ServerOptions(rest_port=port)


@pytest.mark.parametrize("port", [*WRONG, "a", "", "1.5", "1e3"])
@pytest.mark.parametrize("flag", ["--port", "--rest-port"])
def test_the_command_is_wrong_with_another_number(port, flag, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", "models/digits", f"{flag}={port}"])
    assert ended.value.code == cli.USAGE
    assert "expected a whole number in 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("port", [*WRONG, 0, "", "a", "80 ", "+80", "٣", "9" * 5000])
@pytest.mark.parametrize(
    "form",
    [
        "localhost:{}",
        "[::1]:{}",
        "dns:///localhost:{}",
        "dns://8.8.8.8/localhost:{}",
        "dns:localhost:{}",
        "ipv4:127.0.0.1:80,127.0.0.1:{}",
        "ipv6:[::1]:{}",
        "http://localhost:{}",
        "https://[::1]:{}/",
        "http://user@localhost:{}",
    ],
)
def test_a_client_takes_no_other_number(form, port):
    with pytest.raises(tfnative.InvalidArgumentError, match="port from 1 to 65535"):
        serving.Client(form.format(port))


def test_addresses_with_a_port_and_without_are_taken():
    for rest in ("http://a", "http://a:1", "https://[::1]:65535", "http://a:80/b:c"):
        assert is_rest(rest)
    for grpc in (
        "a",
        "a:1",
        "[::1]:65535",
        "unix:/tmp/a:b",
        "unix:///tmp/a:b",
        "dns:///a",
        "dns:///a:1",
        "ipv4:1.2.3.4:5,1.2.3.4:6",
    ):
        assert not is_rest(grpc)


@pytest.mark.parametrize("which", ["port", "rest_port"])
def test_a_port_that_is_taken_is_told_with_what_to_do(serve, settings, which):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(tfnative.UnavailableError) as raised:
            serve(settings, host="127.0.0.1", **{which: port})
    said = str(raised.value)
    assert f"cannot listen at 127.0.0.1:{port}" in said
    assert "choose another port" in said
    assert "GRPC_VERBOSITY" not in said


@pytest.mark.parametrize("host", ["192.0.2.7", "nobody.invalid"])
def test_a_host_of_another_machine_is_told(serve, settings, host):
    for apis in ({"port": 0, "rest_port": None}, {"port": None, "rest_port": 0}):
        with pytest.raises(tfnative.UnavailableError, match="address") as raised:
            serve(settings, host=host, **apis)
        assert f"cannot listen at {host}:0" in str(raised.value)
        assert "GRPC_VERBOSITY" not in str(raised.value)
