# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where a server listens, and who can reach it there."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket

from tfnative._base.text import check_text
from tfnative.errors import InvalidArgumentError, UnavailableError
from tfnative.serving.channels.address import is_v6
from tfnative.serving.server.descriptors import SparingSocket

_logger = logging.getLogger("tfnative.serving")

MOST_PORT = 65535
"""TCP has 16 bits for the number; gRPC and the system would drop the others."""
_ADVICE = {
    errno.EADDRINUSE: "another process listens there: end it, or choose another port",
    errno.EACCES: "ports below 1024 need the right to use them: choose another port",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
}


def bare_host(host: str) -> str:
    """A host without the brackets that IPv6 addresses may have.

    Raises:
        InvalidArgumentError: It is none: empty, or with a port.
    """
    check_text("host", host)
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    must_be_v6 = bare != host or ":" in bare
    if not bare or (must_be_v6 and not is_v6(bare)):
        raise InvalidArgumentError(
            f"host: expected a name or an address without a port, as localhost,"
            f" 0.0.0.0 or ::1, got {host!r}"
        )
    return bare


def check_port(name: str, port: object) -> None:
    """Checks that a port is one, or 0 for any that is free, or None for none.

    Raises:
        InvalidArgumentError: It is not.
    """
    if port is None:
        return
    if isinstance(port, bool) or not isinstance(port, int):
        raise InvalidArgumentError(f"{name} must be a whole number, got {port!r}")
    if not 0 <= port <= MOST_PORT:
        raise InvalidArgumentError(
            f"{name} must be from 0 to {MOST_PORT}, where 0 is any that is free,"
            f" got {port}"
        )


def join_host(host: str, port: int) -> str:
    """``host:port``, with brackets around an IPv6 address."""
    bare = bare_host(host)
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only processes of this machine reach who listens there.

    A name that cannot be looked up is not: who listens there says so.
    """
    try:
        found = socket.getaddrinfo(bare_host(host), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(
        ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback
        for *_, address in found
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections.

    Raises:
        UnavailableError: The port is taken, or the host is not of this machine.
    """
    try:
        found = socket.getaddrinfo(
            bare_host(host), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = min(found)  # IPv4 before IPv6.
        # With the protocol's number asyncio knows that it is TCP, and switches Nagle's
        # algorithm off: it would hold each response back for 40 ms.
        listening = SparingSocket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # All addresses are IPv4's, too, as in gRPC.
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listening.bind(address)
            listening.listen(1024)
        except OSError:
            listening.close()
            raise
    except (OSError, UnicodeError) as error:  # IDNA does not take all names.
        raise UnavailableError(_why_not(host, port, error)) from None
    return listening


def check_listening(host: str, port: int) -> None:
    """Says why nobody can listen there, where gRPC only says that it cannot.

    Raises:
        UnavailableError: As ``listen``.
    """
    listen(host, port).close()


def _why_not(host: str, port: int, error: OSError | UnicodeError) -> str:
    where = f"cannot listen at {join_host(host, port)}"
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"{where}: no address is known for that name: {error}"
    reason = _ADVICE.get(error.errno or 0)
    said = error.strerror or str(error)
    return f"{where}: {said}{'' if reason is None else f': {reason}'}"


def warn_if_open(host: str, *, asks_certificates: bool, asks_tokens: bool) -> None:
    """Logs a sentence where whoever reaches the machine may use the server."""
    if asks_certificates or asks_tokens or is_loopback(host):
        return
    _logger.warning(
        "the server listens at %s and asks clients for neither certificates nor tokens,"
        " so that whoever reaches it may use it: give it --tls-client-ca or"
        " --token-file, or leave --host out",
        host,
    )
