# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A log whose reader has stopped holds nobody up."""

from __future__ import annotations

import os
import sys

from tfnative._cli import background_stream
from tfnative._cli.background_stream import BackgroundStream, stderr_in_background


def test_what_is_written_comes_in_order():
    reader, writer = os.pipe()
    stream = BackgroundStream(writer)
    for number in range(100):
        stream.write(f"{number}\n".encode())
    stream.wait()
    found = os.read(reader, 1 << 16).decode().split()
    assert found == [str(number) for number in range(100)]


def test_a_pipe_that_nobody_reads_takes_no_time(monkeypatch):
    monkeypatch.setattr(background_stream, "LAST_SECONDS", 0.1)
    reader, writer = os.pipe()
    stream = BackgroundStream(writer)
    for _ in range(2 * background_stream.MAX_PIECES):
        assert stream.write(b"x" * 100) == 100
    stream.wait()
    assert os.read(reader, 100) == b"x" * 100


def test_what_cannot_be_written_is_lost():
    with open("/dev/full", "wb") as full:
        stream = BackgroundStream(full.fileno())
        stream.write(b"lost")
        stream.wait()
        assert stream.write(b"lost, too") == 9
        stream.wait()


def test_standard_error_is_as_it_was_afterwards(capfd):
    before = sys.stderr
    with stderr_in_background():
        assert sys.stderr is not before
        print("a line", file=sys.stderr)
    assert sys.stderr is before
    assert capfd.readouterr().err == "a line\n"
