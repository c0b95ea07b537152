# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which API is at an address."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from tfnative.errors import InvalidArgumentError


def is_rest(address: str) -> bool:
    """Whether an address is that of a REST API: a URL.

    Raises:
        InvalidArgumentError: It is a URL of something else.
    """
    if not address:
        raise InvalidArgumentError("expected the address of a server, got ''")
    if _is_v6(address):
        raise InvalidArgumentError(
            f"{address}: expected host:port, where an IPv6 address is in brackets, as"
            " [::1]:8500"
        )
    scheme = urlsplit(address).scheme if "://" in address else ""
    if scheme in ("http", "https"):
        return True
    if scheme in ("", "dns", "unix", "ipv4", "ipv6"):
        return False
    raise InvalidArgumentError(
        f"{address}: expected host:port for gRPC, or http://host:port for REST"
    )


def _is_v6(address: str) -> bool:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True
