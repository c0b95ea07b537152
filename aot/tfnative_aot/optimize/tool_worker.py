# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the Graph Transform Tool in a process of its own, which a CHECK may end.

Messages go both ways over pipes: the length of a JSON object and of a graph, and then
both. The process ends when its standard input does.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys
from collections.abc import Mapping
from typing import IO, Any

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h.
_HEAD = struct.Struct("<QQ")


def write_message(stream: IO[bytes], content: Mapping[str, Any], graph: bytes) -> None:
    """Writes a JSON object and a graph."""
    text = json.dumps(content).encode()
    stream.write(_HEAD.pack(len(text), len(graph)))
    stream.write(text)
    stream.write(graph)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Reads what ``write_message`` wrote.

    Raises:
        EOFError: The other side has ended.
    """
    text_size, graph_size = _HEAD.unpack(_read(stream, _HEAD.size))
    content: dict[str, Any] = json.loads(_read(stream, text_size))
    return content, _read(stream, graph_size)


def _read(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data


def _die_with(parent: int) -> None:
    """Lets the system end this process with its parent, also while the tool runs."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit()  # It died before.


def main(parent: int) -> None:
    """Answers requests of the process ``parent`` until there are no more."""
    # An interrupt of a terminal goes to all of its processes; the parent tells this
    # one, by the end of standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(parent)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What libraries print is no answer.
    from tfnative_aot import adapters

    adapters.import_lean()
    transform_graph = adapters.tool().transform_graph
    while True:
        try:
            request, graph = read_message(sys.stdin.buffer)
        except EOFError:
            return
        try:
            result = transform_graph(
                graph, request["inputs"], request["outputs"], [request["transform"]]
            )
        # The tool raises errors of every type on what it does not like.
        except Exception as error:
            write_message(answers, {"error": str(error) or type(error).__name__}, b"")
        else:
            write_message(answers, {}, result)


if __name__ == "__main__":
    main(int(sys.argv[1]))
