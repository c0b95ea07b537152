# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ports for members: free ones, and whether somebody else has one."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from training.errors import ClusterError


@contextmanager
def reserved(count: int) -> Iterator[list[int]]:
    """Free ports of this machine, which nobody else is given while the block runs.

    Sockets are bound to port 0 and kept, but do not listen: gRPC, which sets
    SO_REUSEADDR as they do, can listen there, and other programs of the machine are
    given other ports. So a member that is started again finds its port as it left it.
    """
    with ExitStack() as stack:
        ports = []
        for _ in range(count):
            place = stack.enter_context(socket.socket())
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind(("localhost", 0))
            ports.append(place.getsockname()[1])
        yield ports


def listens(address: str, *, timeout_seconds: float = 1.0) -> bool:
    """Whether somebody listens at ``host:port``."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection(
            (host.strip("[]"), int(port)), timeout=timeout_seconds
        ):
            return True
    except OSError:
        return False


def places(address: str) -> frozenset[tuple[str, int]]:
    """All that ``host:port`` stands for, as IP addresses; nothing, if it is unknown."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except OSError:
        return frozenset()
    return frozenset((str(where[0]), int(port)) for *_, where in found)


def check_free(address: str, who: str) -> None:
    """Says so where TensorFlow would only say that a server cannot be started.

    Raises:
        ClusterError: Somebody listens there.
    """
    with listening(address, who):
        pass


@contextmanager
def listening(address: str, who: str) -> Iterator[None]:
    """Listens at the port of ``host:port``, on all addresses, as TensorFlow does.

    Raises:
        ClusterError: Somebody listens there, or nobody may.
    """
    port = int(address.rpartition(":")[2])
    both = socket.has_dualstack_ipv6()
    try:
        server = socket.create_server(
            ("", port),
            family=socket.AF_INET6 if both else socket.AF_INET,
            dualstack_ipv6=both,
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ClusterError(
                f"port {port} of {who} ({address}) is in use: end what listens there, "
                "or give this member another port in TF_CONFIG"
            ) from error
        raise ClusterError(
            f"{who} cannot listen at port {port} ({error.strerror}): give it another "
            "port in TF_CONFIG"
        ) from error
    with server:
        yield
