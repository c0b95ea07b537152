# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tokens are read from a file, and are what the file says now."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

import tfnative
from tfnative.serving.fresh_files import FreshFiles
from tfnative.serving.small_file import MOST_BYTES, read_small
from tfnative.serving.token_file import TokenFile


def bearer(token: str) -> str:
    return f"Bearer {token}"


def test_a_client_sends_the_first_and_a_server_takes_any(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("new\n\n  old==  \r\n")
    tokens = TokenFile(file)
    assert tokens.authorization == "Bearer new"
    for good in ("Bearer new", "bearer old==", "BEARER  new "):
        assert tokens.accepts(good)
    for bad in (
        "",
        "new",
        "Basic new",
        "Bearer",
        "Bearer ",
        "Bearer ne",
        "Bearer newo",
    ):
        assert not tokens.accepts(bad)
    for odd in ("Bearer new old==", "Bearer \xff", "Bearer \udcff", "Bearer new\n"):
        assert tokens.accepts(odd) == (odd.split() == ["Bearer", "new"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no token"),
        ("\n \n", "has no token"),
        ("a b", "line 1 is no token"),
        ("# words", "line 1 is no token"),
        ("a\n\n\xff", "line 3 is no token"),
        ("=a", "line 1 is no token"),
        ("a=b", "line 1 is no token"),
    ],
)
def test_a_file_without_tokens_is_refused_and_not_repeated(tmp_path, text, said):
    file = tmp_path / "tokens"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(tfnative.InvalidArgumentError, match=said) as raised:
        TokenFile(file)
    assert not text.strip() or text.strip() not in str(raised.value)
    with pytest.raises(tfnative.NotFoundError, match="cannot read the tokens"):
        TokenFile(tmp_path / "none")


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "", 5, b"\xff", "x" * 5000])
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(tfnative.Error):
        TokenFile(path)


def test_a_token_that_is_taken_out_is_refused_at_once(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("old")
    tokens = TokenFile(file)
    file.write_text("new\nold\n")
    assert tokens.accepts(bearer("old"))
    assert tokens.accepts(bearer("new"))
    file.write_text("new")
    assert not tokens.accepts(bearer("old"))
    assert tokens.authorization == bearer("new")


def test_a_link_that_is_moved_is_followed(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(name)
    link = tmp_path / "now"
    link.symlink_to(tmp_path / "one")
    tokens = TokenFile(link / "token")
    os.symlink(tmp_path / "two", tmp_path / "next")
    os.replace(tmp_path / "next", link)
    assert tokens.authorization == bearer("two")


@pytest.mark.parametrize("broken", ["no token", "", None])
def test_a_broken_file_leaves_the_old_tokens_and_is_logged_once(
    tmp_path, broken, caplog
):
    file = tmp_path / "tokens"
    file.write_text("old")
    tokens = TokenFile(file)
    if broken is None:
        file.unlink()
    else:
        file.write_text(broken)
    for _ in range(3):
        assert tokens.accepts(bearer("old"))
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("tfnative.serving", logging.WARNING)
    assert "the old one stays" in record.getMessage()
    file.write_text("new")
    assert tokens.accepts(bearer("new"))
    assert not tokens.accepts(bearer("old"))


def test_threads_that_see_a_change_at_once_read_it_once(tmp_path):
    file = tmp_path / "value"
    file.write_text("0")
    reads = []

    def read() -> str:
        reads.append(file.read_text())
        return reads[-1]

    fresh = FreshFiles("a value", [str(file)], read)
    file.write_text("10")
    barrier = threading.Barrier(8)
    found = []

    def ask() -> None:
        barrier.wait()
        found.append(fresh.get())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reads == ["0", "10"]
    assert set(found) <= {"0", "10"}
    assert fresh.get() == "10"


def irregular(path, kind: str) -> None:
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"a\n" * MOST_BYTES)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "large file"])
def test_what_is_no_small_file_is_refused_and_the_last_tokens_stay(
    tmp_path, kind, caplog
):
    file = tmp_path / "tokens"
    irregular(file, kind)
    reason = "more than 1048576 bytes" if kind == "large file" else "no regular file"
    with pytest.raises(tfnative.InvalidArgumentError, match=reason):
        TokenFile(file)
    with pytest.raises(tfnative.InvalidArgumentError, match=reason):
        read_small(file)
    good = tmp_path / "good"
    good.write_text("known\n")
    tokens = TokenFile(good)
    irregular(good, kind)
    for _ in range(3):
        assert tokens.accepts("Bearer known")
    (record,) = caplog.records
    assert "the old one stays" in record.getMessage()
    assert reason in record.getMessage()


def test_certificates_that_become_a_pipe_are_not_waited_for(tmp_path):
    pytest.importorskip("grpc", reason="needs grpcio")
    from tfnative.serving.channels.grpc import credentials
    from tfnative.serving.channels.tls import tls_context
    from tfnative.serving.options import Tls
    from tfnative.serving.server.tls import ServerTls, SslConfigFile

    for name in ("ca", "certificate", "key"):
        (tmp_path / name).write_text("")
    paths = [str(tmp_path / name) for name in ("ca", "certificate", "key")]
    tls = Tls(*paths)
    for path in paths:
        irregular(Path(path), "pipe")
    readers = [
        lambda: tls_context(tls),
        lambda: credentials(tls),
        lambda: ServerTls(paths[1], paths[2]),
        lambda: SslConfigFile(paths[0]),
    ]
    for read in readers:
        with pytest.raises(tfnative.InvalidArgumentError, match="no regular file"):
            read()
