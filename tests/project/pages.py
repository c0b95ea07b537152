# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Takes the code blocks out of the documentation's pages."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = {
    "README.md": ROOT / "README.md",
    **{path.relative_to(DOCS).as_posix(): path for path in sorted(DOCS.rglob("*.md"))},
}
"""Pages whose blocks are run, by the names that the tables of page_runs.py use."""

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block.

    Attributes:
        language: As the fence names it, "" if it does not.
        code: Its text.
        line: Where it begins in the page.
        output: The text block that follows it at once, which is what it prints.
    """

    language: str
    code: str
    line: int
    output: str | None = None

    @property
    def first_line(self) -> str:
        """By which tables name it."""
        return self.code.partition("\n")[0]


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order; those that are output belong to others."""
    text = PAGES[page].read_text()
    found: list[Block] = []
    end = 0
    for match in _FENCE.finditer(text):
        code = textwrap.dedent(match[3])
        follows = found and not text[end : match.start()].strip()
        if follows and match[2] == "text" and found[-1].language in ("python", "sh"):
            last = found.pop()
            found.append(Block(last.language, last.code, last.line, code))
        else:
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(match[2], code, line))
        end = match.end()
    return found
