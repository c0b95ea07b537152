# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow logs does not show in commands; what anything else says does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tfnative._base.log_lines import is_log_line

LOGGED = [
    "WARNING: All log messages before absl::InitializeLog() is called are written",
    "I0000 00:00:1795941943.450809   31239 port.cc:153] oneDNN operations are on",
    "W0000 00:00:1795941943.450809   31239 cuda_executor.cc:1] no device",
    "E0000 00:00:1795941943.450809   31239 cuda_dnn.cc:8579] Unable to register",
    "2026-01-02 03:04:05.678901: I tensorflow/core/platform/cpu_feature_guard.cc:210]",
    "WARNING:tensorflow:From x.py: f is deprecated",
]
SAID = [
    "F0000 00:00:1795941943.450809   31239 shape.cc:7] Check failed: a == b",
    "2026-01-02 03:04:05.678901: F tensorflow/core/platform/cpu_feature_guard.cc:210]",
    "tfnative compile: error: no model",
    "Info: all is well",
    "Segmentation fault",
    "",
]


@pytest.mark.parametrize("line", LOGGED)
def test_what_tensorflow_logs_is_known(line: str) -> None:
    assert is_log_line(line)


@pytest.mark.parametrize("line", SAID)
def test_what_says_why_a_process_ends_is_no_log(line: str) -> None:
    assert not is_log_line(line)


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    setup = (
        "import os, sys\n"
        "from tfnative._base.log_lines import without_log_lines\n"
        f"logged = {LOGGED[1]!r} + chr(10)\n"
        "with without_log_lines(lambda to: os.fdopen(to, 'w', 1)):\n"
    )
    return subprocess.run(
        [sys.executable, "-c", setup + code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )


MIXED = (
    "    os.write(2, b'before' + bytes([10]) + logged.encode() + b'after')\n"
    "    print('of Python', file=sys.stderr)\n"
    "print('later', file=sys.stderr)\n"
)


def test_other_lines_go_through_and_python_stays_as_it_is() -> None:
    done = run(MIXED)
    assert done.returncode == 0
    assert "oneDNN" not in done.stderr
    for words in ("before", "after", "of Python", "later"):
        assert words in done.stderr


def test_who_asks_for_the_log_gets_it() -> None:
    assert "oneDNN" in run(MIXED, TF_CPP_MIN_LOG_LEVEL="0").stderr


def test_the_last_words_of_a_crash_are_shown() -> None:
    done = run("    os.write(2, logged.encode() + b'last words')\n    os.abort()\n")
    assert done.returncode == -signal.SIGABRT
    assert done.stderr == "last words"
