# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The first signal ends a server, the second its process; SIGHUP may be set aside."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, os, signal, sys
from tfnative.serving.server.signals import ended_by_signal

set_aside, *sent = map(int, sys.argv[1:])
signal.signal(signal.SIGHUP, signal.SIG_IGN if set_aside else signal.SIG_DFL)

async def main():
    ended = ended_by_signal()
    for number in sent:
        os.kill(os.getpid(), number)
        await asyncio.sleep(0.05)
        print(int(ended.is_set()), flush=True)

asyncio.run(main())
"""
HUP, INT, TERM = signal.SIGHUP, signal.SIGINT, signal.SIGTERM


@pytest.mark.parametrize(
    ("set_aside", "sent", "told", "code"),
    [
        (False, [HUP, HUP], "1", 128 + HUP),
        (False, [TERM], "1", 0),
        (False, [INT, TERM], "1", 128 + TERM),
        (True, [HUP, TERM, HUP, TERM], "011", 128 + TERM),
    ],
)
def test_a_signal_ends_the_server_and_the_second_the_process(
    set_aside, sent, told, code
):
    arguments = [str(int(number)) for number in (set_aside, *sent)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == list(told), done.stderr
    assert done.returncode == code
