# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What tfcompile printed before it failed, as far as it concerns the model.

It prints a traceback of ours, log lines of TensorFlow's, and sentences about C++ around
the two things that somebody can use: the node, and what XLA has against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tfnative._base.log_lines import is_log_line

_ERROR = re.compile(
    r"^(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception): (?P<text>.+)$"
)
_CHECK = re.compile(r"^F\d{4} .*?\S+:\d+\] (?P<text>.+)$")
_CONSTANT = re.compile(
    r"Input (?P<operand>\d+) to node `(?P<node>[^`]+)` with op (?P<op>\w+) must be a "
    r"compile-time constant"
)
# The innermost comes first.
_NODE = re.compile(r"\[\[(?:\{\{node (?P<inside>[^}]+)\}\}|(?P<plain>[^\[\]{}]+))\]\]")
_PLACE_IN_FUNCTION = re.compile(r"\s*\[\[.*?\]\](?=\s|$)|\{\{[^}]*\}\}\S*\s?")
_NO_USE = re.compile(
    r"^(XLA compilation requires that operator arguments|Stack trace for op definition|"
    r"dummy_file_name:|tf2xla conversion failed)"
)


@dataclass(frozen=True)
class Failure:
    """Why XLA does not compile a graph.

    Attributes:
        text: Its own words, in one line, or "".
        node: Name of the node that it is about, or "".
        operand: Number of the node's input that has to be a constant, or None.
    """

    text: str
    node: str = ""
    operand: int | None = None


def read_failure(output: str) -> Failure:
    """Reads what a failed tfcompile printed."""
    lines = [line for line in output.splitlines() if not is_log_line(line)]
    for number, line in reversed(list(enumerate(lines))):
        if match := _ERROR.match(line):
            return _of_error([match["text"], *lines[number + 1 :]])
    checks = [match["text"] for line in lines if (match := _CHECK.match(line))]
    return Failure(" ".join(checks[:1]))


def _of_error(lines: list[str]) -> Failure:
    text = "\n".join(lines)
    if match := _CONSTANT.search(text):
        return Failure(match[0], match["node"], int(match["operand"]))
    nodes = [match["inside"] or match["plain"] for match in _NODE.finditer(text)]
    kept = [line.strip() for line in lines if not _NO_USE.match(line.strip())]
    said = " ".join(_PLACE_IN_FUNCTION.sub("", " ".join(kept)).split())
    return Failure(said, nodes[0] if nodes else "")
