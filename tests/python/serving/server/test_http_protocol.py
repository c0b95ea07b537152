# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Requests that proxies may read in another way, and clients that have sent all."""

from __future__ import annotations

import json
import re

import pytest

from tests.python.serving.server.raw_http import RawClient

BODY = json.dumps({"signature_name": "affine", "instances": [[1, 2, 3]]}).encode()
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
NEXT = b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"
SIZE = len(BODY)


@pytest.fixture
def rest(serve, settings) -> str:
    return serve(settings).rest


def request(*fields: str, body: bytes = BODY, version: str = "1.1") -> bytes:
    start = f"POST /v1/models/affine:predict HTTP/{version}"
    return "\r\n".join([start, "Host: h", *fields, "", ""]).encode() + body


PLAIN = request(f"Content-Length: {SIZE}")
AMBIGUOUS = {
    "both lengths": request(
        "Content-Length: 6", "Transfer-Encoding: chunked", body=CHUNKED
    ),
    "lengths in the other order": request(
        "Transfer-Encoding: chunked", "Content-Length: 6", body=CHUNKED
    ),
    "a list of lengths": request(f"Content-Length: {SIZE}, {SIZE}"),
    "two lengths": request(f"Content-Length: {SIZE}", f"content-length: {SIZE}"),
    "a folded line": request(f"Content-Length: {SIZE}", "A: b", " c"),
    "a folded line of a tab": request(f"Content-Length: {SIZE}", "A: b", "\tc"),
    "LF": request(f"Content-Length: {SIZE}").replace(b"\r\n", b"\n"),
    "one LF": request(f"Content-Length: {SIZE}").replace(b"h\r\n", b"h\n"),
    "LF at the end": PLAIN.replace(b"\r\n\r\n", b"\r\n\n"),
    "chunks in HTTP/1.0": request(
        "Transfer-Encoding: chunked", body=CHUNKED, version="1.0"
    ),
    "no version": b"GET /livez\r\n\r\n",
    "a name with a space": request("Content-Length : 1"),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_is_ambiguous_is_refused_and_the_connection_ends(rest, name):
    for before in (b"", NEXT):  # The first on a connection, and a later one.
        with RawClient(rest) as client:
            client.send(before + AMBIGUOUS[name] + NEXT)
            found = client.rest()
        assert found.count(b"HTTP/1.1 200") == bool(before), found
        assert found.count(b"HTTP/1.1 400") == 1
        head, _, body = found.rpartition(b"\r\n\r\n")
        assert json.loads(body)["error"].startswith("the request is refused: ")
        head = head.rpartition(b"HTTP/1.1")[2].decode().lower()
        assert "content-type: application/json" in head
        assert "connection: close" in head
        assert re.search("x-request-id: [0-9a-f]{32}", head)


def test_one_byte_after_the_other_is_refused_in_the_same_way(rest):
    with RawClient(rest) as client:
        for byte in AMBIGUOUS["both lengths"].partition(b"\r\n\r\n")[0] + b"\r\n\r\n":
            client.send(bytes([byte]))
        assert client.status() == 400


def test_bodies_may_have_whatever_heads_may_not(rest):
    blank = BODY.replace(b" ", b"\n\n \n\t")
    with RawClient(rest) as client:
        for _ in range(2):
            client.send(request(f"Content-Length: {len(blank)}", body=blank))
            assert client.status() == 200
            assert client.read_answer() == {"predictions": [[4, 6, 8]]}
        client.send(request("Transfer-Encoding: chunked", body=CHUNKED))
        assert client.status() == 200


def test_a_damaged_chunk_ends_the_connection_with_an_answer(rest, caplog):
    with RawClient(rest) as client:
        client.send(request("Transfer-Encoding: chunked", body=b"zz\r\n"))
        assert client.status() == 400
        client.rest()
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("count", [1, 3])
def test_who_has_sent_all_gets_every_answer(rest, count):
    for sent in (PLAIN, request("Transfer-Encoding: chunked", body=CHUNKED), NEXT):
        with RawClient(rest) as client:
            client.send(sent * count)
            client.end()
            found = client.rest()
        assert found.count(b"HTTP/1.1 200") == count, found


def test_who_ends_within_a_request_is_not_waited_for(rest):
    for sent in (PLAIN[:-1], PLAIN[:20], PLAIN + PLAIN[:-1]):
        with RawClient(rest) as client:
            client.send(sent)
            client.end()
            assert client.rest().count(b"HTTP/1.1 200") == (len(sent) > len(PLAIN))


def test_nobody_is_advised_to_install_what_would_not_help(rest, caplog):
    with RawClient(rest) as client:
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket"
        client.send(f"GET /livez HTTP/1.1\r\nHost: h\r\n{upgrade}\r\n\r\n".encode())
        assert client.status() == 200
    assert "install" not in caplog.text


def test_who_has_gone_is_no_error(rest, caplog):
    for _ in range(10):
        with RawClient(rest) as client:
            client.send(PLAIN)
    with RawClient(rest) as client:
        client.send(NEXT)
        assert client.status() == 200
    assert "Traceback" not in caplog.text
    assert "socket.send" not in caplog.text
