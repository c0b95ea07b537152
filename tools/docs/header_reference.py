# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a page of Markdown from the public C and C++ headers.

The headers are the contract and are written to be read. So the page keeps their words:
the comment above a declaration becomes text, and the declaration stays code, with the
comments of its members. What is private is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

HEADERS = Path(__file__).resolve().parents[2] / "cpp" / "include" / "tfnative"

_NAME = re.compile(
    r"^(?:template\s*<[^>]*>\s*)?(?:typedef\s+)?(?:class|struct|enum(?:\s+class)?)\s+"
    r"(?P<type>\w+)|^#define\s+(?P<macro>\w+)|^using\s+(?P<alias>\w+)"
    r"|\(\*(?P<pointer>\w+)\)|(?P<function>\w+)\s*\((?!\*)|(?P<constant>\w+)\s*(?:=|\{|;)"
)
_FORWARD = re.compile(r"^(?:class|struct)\s+\w+;")
_NOISE = re.compile(r"^(?:#(?!define TFN_)|extern \"C\"|namespace tfnative \{|\}\s*//)")


@dataclass(frozen=True)
class Declaration:
    """Something that a header declares.

    Attributes:
        name: What it is called.
        comment: The lines above it, without comment marks.
        code: Its lines, without private members.
    """

    name: str
    comment: tuple[str, ...]
    code: tuple[str, ...]


def render(names: Iterable[str], language: str) -> str:
    """The section of a page for each header.

    Args:
        names: Files of ``cpp/include/tfnative``.
        language: Of the code blocks: "c" or "cpp".
    """
    return "\n".join(_render_header(HEADERS / name, language) for name in names)


def declarations(path: Path) -> list[Declaration]:
    """What a header declares, in its order."""
    text = _without_first_comment(path.read_text())
    return list(_split(text.splitlines()))


def _render_header(path: Path, language: str) -> str:
    include = "#include" + f' "tfnative/{path.name}"'
    lines = [f"## {path.name}", "", f"```{language}", include, "```", ""]
    lines += [*_prose(_file_comment(path.read_text())), ""]
    for declaration in declarations(path):
        lines += [f"### {declaration.name}", "", *_prose(declaration.comment), ""]
        lines += [f"```{language}", *declaration.code, "```", ""]
    return "\n".join(lines)


def _file_comment(text: str) -> list[str]:
    """The comment at the top of a file, without the lines about the licence."""
    found = []
    for line in text.splitlines():
        if not re.match(r"^(//|/\*| \*)", line):
            break
        found.append(_uncomment(line))
    return [line for line in found if not line.startswith("SPDX-")]


def _uncomment(line: str) -> str:
    line = re.sub(r"\s*\*/$", "", line)
    return re.sub(r"^\s*(?:///?|/\*\*?|\*)? ?", "", line)


def _without_first_comment(text: str) -> str:
    """A header without its first comment."""
    while text.startswith(("//", "/*", " *")):
        text = text.partition("\n")[2]
    return text


def _split(lines: list[str]) -> Iterator[Declaration]:
    comment: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        if _is_comment(line):
            inside = line.startswith("/*")
            comment.append(_uncomment(line))
            while inside and "*/" not in lines[position]:
                position += 1
                comment.append(_uncomment(lines[position]))
        elif (
            not line.strip()
            or _NOISE.match(line)
            or line == "}"
            or _FORWARD.match(line)
        ):
            comment = []
        else:
            code, position = _take(lines, position)
            match = next((m for m in map(_NAME.search, code) if m), None)
            if match and match.lastgroup and not line.startswith("namespace"):
                yield Declaration(match[match.lastgroup], tuple(comment), tuple(code))
            comment = []
        position += 1


def _is_comment(line: str) -> bool:
    return line.startswith(("//", "/*"))


def _take(lines: list[str], position: int) -> tuple[list[str], int]:
    """A declaration that begins at a line, and where it ends."""
    taken: list[str] = []
    depth = 0
    private = False
    while True:
        line = lines[position]
        code = re.sub(r"//.*|/\*.*?\*/", "", line)
        depth += code.count("{") + code.count("(") - code.count("}") - code.count(")")
        if re.match(r"^ (private|protected):", line):
            private = True
        ends = depth <= 0 and not code.rstrip().endswith((",", "\\", ":"))
        if private and ends:
            while taken and not taken[-1].strip():
                taken.pop()
        if not private or ends:
            taken.append(line)
        is_macro = taken[0].startswith("#")
        complete = ends and (is_macro or code.rstrip().endswith((";", "}")))
        if complete or position + 1 == len(lines):
            return taken, position
        position += 1


def _prose(comment: Iterable[str]) -> list[str]:
    """A comment as Markdown: what is indented in it is code."""
    found: list[str] = []
    in_code = False
    for line in comment:
        is_code = bool(re.match(r"^ {2,}\S", line)) and not re.match(r"^ +\d\.", line)
        is_code = is_code and (in_code or not found or not found[-1].strip())
        if in_code != is_code and (line.strip() or not in_code):
            found.append("```")
            in_code = is_code
        found.append(line[2:] if in_code else _escape(line))
    return [*found, "```"] if in_code else found


def _escape(line: str) -> str:
    return line.strip().replace("<", "&lt;").replace("*", r"\*")
