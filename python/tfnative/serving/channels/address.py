# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which API is at an address."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from tfnative.errors import InvalidArgumentError

MOST_PORT = 65535
"""TCP has 16 bits for the number."""
_MOST_DIGITS = 9


def is_rest(address: str) -> bool:
    """Whether an address is that of a REST API: a URL.

    Raises:
        InvalidArgumentError: It is a URL of something else, or its port is none.
    """
    if not address:
        raise InvalidArgumentError("expected the address of a server, got ''")
    if is_v6(address):
        raise InvalidArgumentError(
            f"{address}: expected host:port, where an IPv6 address is in brackets, as"
            " [::1]:8500"
        )
    scheme = urlsplit(address).scheme if "://" in address else ""
    if scheme in ("http", "https"):
        _check_port(address, urlsplit(address).netloc.rpartition("@")[2])
        return True
    if scheme in ("", "dns", "unix", "ipv4", "ipv6"):
        _check_ports(address)
        return False
    raise InvalidArgumentError(
        f"{address}: expected host:port for gRPC, or http://host:port for REST"
    )


def _check_ports(address: str) -> None:
    """Checks those of an address of gRPC, which would take them modulo 65536."""
    scheme, colon, rest = address.partition(":")
    if colon and scheme in ("unix", "unix-abstract"):
        return  # A path.
    if colon and scheme in ("dns", "ipv4", "ipv6"):
        address_of_port = rest.rpartition("/")[2]
    else:
        address_of_port = address
    for each in address_of_port.split(","):
        _check_port(address, each)


def _check_port(address: str, host_and_port: str) -> None:
    port = host_and_port.rpartition("]")[2]  # Behind an IPv6 address.
    _, colon, port = port.partition(":")
    if not colon:
        return  # The protocol has its own.
    is_number = port.isascii() and port.isdigit() and len(port) <= _MOST_DIGITS
    if not is_number or not 1 <= int(port) <= MOST_PORT:
        raise InvalidArgumentError(
            f"{address}: expected a port from 1 to {MOST_PORT}, got {port!r}"
        )


def is_v6(address: str) -> bool:
    """Whether it is an IPv6 address, without brackets and a port."""
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True
