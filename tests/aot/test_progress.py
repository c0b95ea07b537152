# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Progress is shown as lines in a log, and live on a terminal."""

from __future__ import annotations

import errno
import io
import re

import pytest

from tfnative_aot.progress import terminal_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def report(stream: io.StringIO) -> str:
    with terminal_progress(stream) as progress:
        progress.stage("load the model")
        progress.stage("compile with XLA", 2)
        progress.advance("batch size 1")
        progress.advance("batch size 8")
        progress.finish()
    return stream.getvalue()


def test_a_log_gets_a_line_for_each_part() -> None:
    lines = [
        re.sub(r"^\[ *[\d.]+s\] ", "", x) for x in report(io.StringIO()).splitlines()
    ]
    assert lines == [
        "load the model",
        "compile with XLA",
        "  1/2 batch size 1",
        "  2/2 batch size 8",
        "done",
    ]


def test_a_terminal_sees_every_stage_done() -> None:
    pytest.importorskip("rich", reason="needs rich")
    text = report(Terminal())
    assert "load the model" in text
    assert text.count("✓") >= 2


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    assert report(Full()) == ""


def test_nothing_is_shown_without_a_standard_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    with terminal_progress() as progress:
        progress.stage("load the model")
        progress.finish()
