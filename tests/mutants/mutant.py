# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A mutant: a source with one small change; and what became of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "mutants"


class Outcome(enum.Enum):
    """What the tests said of a mutant."""

    CAUGHT = "caught"
    TIMED_OUT = "timed out"
    """It hung, or took many times as long: the tests end that too."""
    UNCOMPILABLE = "does not compile"
    SAME = "compiles to the same"
    """Most often since it is in a part that is for other machines."""
    SURVIVED = "survived"


@dataclass(frozen=True)
class Mutant:
    """One change of consecutive lines, which most often is one line.

    Attributes:
        path: The source, from the root of the project.
        line: The number of the first line that changed, from 1.
        before: The lines, as they are in the source.
        after: What stands in their place.
    """

    path: str
    line: int
    before: str
    after: str

    @property
    def key(self) -> str:
        """Names it; stays the same while lines are added above it."""
        return f"{self.path}\n{self.before}\n{self.after}"

    def where_it_is_now(self) -> Mutant | None:
        """The same change of the same lines, which others may have moved; or None."""
        path = ROOT / self.path
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        before = self.before.splitlines(keepends=True)
        places = [
            place + 1
            for place in range(len(lines))
            if before and lines[place : place + len(before)] == before
        ]
        if not places:
            return None
        return replace(self, line=min(places, key=lambda at: abs(at - self.line)))

    def source(self) -> str:
        """The whole text of the mutated source."""
        lines = (ROOT / self.path).read_text().splitlines(keepends=True)
        last = self.line - 1 + self.before.count("\n")
        assert "".join(lines[self.line - 1 : last]) == self.before
        return "".join([*lines[: self.line - 1], self.after, *lines[last:]])

    def __str__(self) -> str:
        removed = "".join(f"  - {line.strip()}\n" for line in self.before.splitlines())
        added = "".join(f"  + {line.strip()}\n" for line in self.after.splitlines())
        return f"{self.path}:{self.line}\n{removed}{added}"


@dataclass(frozen=True)
class Result:
    """A mutant, what became of it, and who says so: a test, or another check."""

    mutant: Mutant
    outcome: Outcome
    by: str = ""
    seconds: float = 0.0
