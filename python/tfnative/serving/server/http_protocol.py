# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How requests are read from connections of HTTP/1.1, and what is none."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from tfnative.serving.json_tensors import dump
from tfnative.serving.server.request_id import HEADER, begin_request

READ_BYTES = 64 << 10
"""What is read from a connection in one turn of the event loop, which others wait for.
asyncio would read 256 KB, of which uvicorn and h11 make five copies."""

_END_OF_HEAD = re.compile(rb"\n\r?\n")


class StrictConnection(h11.Connection):
    """Refuses heads of requests that a proxy in front may read in another way.

    Where two servers disagree about where a request ends, a client puts a request of
    its own among those of others. RFC 9112 lets a server refuse them: both lengths of
    a body (6.1), lengths in a list (6.3), folded lines (5.2), and lines that end with
    LF alone (2.2). h11 takes all of these.
    """

    why = "it is no HTTP/1.1"
    """What was wrong with the last one."""

    def next_event(self) -> Any:
        """See h11."""
        try:
            if self.their_state is h11.IDLE:
                _check_head(self.trailing_data[0])
            return super().next_event()
        except h11.RemoteProtocolError as error:
            self.why = str(error)
            raise


def _check_head(received: bytes) -> None:
    """Raises ``h11.RemoteProtocolError`` once a head is whole and ambiguous."""
    end = _END_OF_HEAD.search(received)
    if end is None:
        return
    lines = received[: end.end()].split(b"\r\n")
    if any(b"\n" in line or b"\r" in line for line in lines):
        raise h11.RemoteProtocolError("lines of its head do not all end with CR LF")
    if any(line.startswith((b" ", b"\t")) for line in lines):
        raise h11.RemoteProtocolError("a line of its head begins with a space")
    fields = [line.lower().partition(b":") for line in lines[1:]]
    lengths = [value for name, _, value in fields if name == b"content-length"]
    is_coded = any(name == b"transfer-encoding" for name, _, _ in fields)
    if len(lengths) > 1 or any(b"," in value for value in lengths):
        raise h11.RemoteProtocolError("it has more than one Content-Length")
    if is_coded and lengths:
        raise h11.RemoteProtocolError("it has Transfer-Encoding and Content-Length")
    if is_coded and lines[0].endswith(b"HTTP/1.0"):
        raise h11.RemoteProtocolError("HTTP/1.0 has no Transfer-Encoding")


def protocol(timeout_seconds: float) -> type[asyncio.Protocol]:
    """What reads requests from connections, and ends those on which nothing moves.

    uvicorn waits for ever for a connection's first request, for the rest of a request's
    head, and for a client that does not read its response.

    Args:
        timeout_seconds: From the first byte of a head, or from when the connection is
            there, to the end of the head; and while nothing of a response is read.
    """

    class Timed(_Protocol):
        _timer: asyncio.TimerHandle | None = None
        _of_writing: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            with contextlib.suppress(AttributeError):  # Other loops read as they like.
                transport.max_size = READ_BYTES
            self._begin()

        def data_received(self, data: bytes) -> None:
            known = self.cycle
            super().data_received(data)
            if self.cycle is not known:
                self._end()
            elif self.cycle is None or self.cycle.response_complete:
                self._begin()

        def pause_writing(self) -> None:
            super().pause_writing()
            loop = asyncio.get_running_loop()
            # What was not read yet would be kept until it is, if it were closed only.
            abort = self.transport.abort
            self._of_writing = loop.call_later(timeout_seconds, abort)

        def resume_writing(self) -> None:
            self._end_writing()
            super().resume_writing()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end()
            self._end_writing()
            super().connection_lost(exc)

        def _begin(self) -> None:
            if self._timer is None:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(timeout_seconds, self.transport.close)

        def _end(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _end_writing(self) -> None:
            if self._of_writing is not None:
                self._of_writing.cancel()
                self._of_writing = None

    return Timed


class _Protocol(H11Protocol):
    """uvicorn's, that is strict, and answers who has sent all that it will send."""

    _has_ended = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._strict = self.conn = StrictConnection(h11.SERVER)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more, and may wait for the answer to a whole request.

        Returns:
            Whether the connection stays. With TLS asyncio ends it in either case.
        """
        self._has_ended = True
        return self.scheme == "http" and self._is_answering()

    def on_response_complete(self) -> None:
        """See uvicorn."""
        super().on_response_complete()
        if self._has_ended and not self._is_answering():
            self.transport.close()

    def _is_answering(self) -> bool:
        """Whether there is a request that came as a whole and has no whole answer."""
        cycle: Any = self.cycle
        return not (cycle is None or cycle.response_complete or cycle.more_body)

    def send_400_response(self, msg: str) -> None:
        """Says what is wrong as other errors are said. uvicorn would do so as text."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(self._refusal())
        self.transport.close()

    def _refusal(self) -> bytes:
        said = f"the request is refused: {self._strict.why}"
        text = said[:500].encode(errors="backslashreplace").decode()
        body = dump({"error": text})
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            (HEADER, begin_request(())),
        ]
        events = (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        return b"".join(self.conn.send(event) or b"" for event in events)

    def _should_upgrade(self) -> bool:
        """No: and uvicorn would advise the log's reader to install a library for it."""
        return False
