# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A client of HTTP that sends whatever bytes a test wants, and when."""

from __future__ import annotations

import json
import re
import socket
from types import TracebackType
from typing import Any


class RawClient:
    """One connection."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=30)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def post(self, path: str, body: bytes, *headers: str, length: int | None) -> None:
        """The head of a request, and the part of its body that is given."""
        lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def status(self) -> int:
        """Of the next response, whose body is left where it is."""
        line = b""
        while not line.endswith(b"\r\n"):
            read = self._socket.recv(1)
            assert read, f"the connection ended after {line!r}"
            line += read
        return int(line.split()[1])

    def rest(self) -> bytes:
        """All that comes until the server ends the connection."""
        found = b""
        while part := self._socket.recv(1 << 16):
            found += part
        return found

    def read_answer(self) -> Any:
        """The JSON of a response whose status was read."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._socket.recv(1)
        length = re.search(rb"content-length: (\d+)", head.lower())
        assert length, head
        return json.loads(self._socket.recv(int(length[1]), socket.MSG_WAITALL))

    def end(self) -> None:
        """Says that nothing more is sent, and still receives."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
