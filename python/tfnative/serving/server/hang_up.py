# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Closes a port of this process, so that calls that still come are known to be lost.

A gRPC server that stops ends calls that it has received and not yet looked at as
CANCELLED, which clients do not try again. Where there is no connection, or one that is
closed, they end as UNAVAILABLE, which clients do try again. The library has no function
for closing both and then stopping: what belongs to the port is found among the
descriptors of this process.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

_DESCRIPTORS = "/proc/self/fd"


def hang_up(port: int) -> int:
    """Lets nobody connect to a TCP port any more, and ends the connections to it.

    What has been written to a connection is sent before it ends. Where the system does
    not tell which descriptors there are, nothing is done.

    Args:
        port: One that this process listens at, and nobody else shares.

    Returns:
        How many connections there were.
    """
    with _silent_socket() as silent:
        for descriptor, each in _sockets_of(port):
            if _is_listening(each):
                # Whoever owns the descriptor may close it, and hears nothing meanwhile.
                os.dup2(silent.fileno(), descriptor, inheritable=False)
    found = 0
    for _ in range(2):  # One may just have been accepted.
        connections = [each.dup() for _, each in _sockets_of(port)]
        found = max(found, len(connections))
        for each in connections:
            with each, contextlib.suppress(OSError):  # The client was first.
                each.shutdown(socket.SHUT_WR)
    return found


def _silent_socket() -> socket.socket:
    """A socket that listens where nobody can find it."""
    silent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    silent.setblocking(False)
    silent.bind("")  # Linux chooses a name.
    silent.listen(1)
    return silent


def _sockets_of(port: int) -> Iterator[tuple[int, socket.socket]]:
    """The process's TCP sockets with this port: descriptors, and copies for a while."""
    try:
        names = os.listdir(_DESCRIPTORS)
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):  # It has been closed meanwhile.
            if not os.readlink(f"{_DESCRIPTORS}/{name}").startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(name))) as copy:
                if _is_at(copy, port):
                    yield int(name), copy


def _is_at(each: socket.socket, port: int) -> bool:
    return (
        each.family in (socket.AF_INET, socket.AF_INET6)
        and each.type == socket.SOCK_STREAM
        and each.getsockname()[1] == port
    )


def _is_listening(each: socket.socket) -> bool:
    return bool(each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
