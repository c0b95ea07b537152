# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Draws mutants: a line at random, and then one of the changes of that line.

Thus a line on which many changes are possible is no likelier than others, and a
line is changed once.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import ROOT, Mutant


@dataclass(frozen=True)
class Change:
    """A change of a source, from which the mutant is made if it is drawn.

    Attributes:
        path: The source, from the root of the project.
        line: Where the change begins.
        make: Gives the mutant, or None if nothing would change.
    """

    path: str
    line: int
    make: Callable[[], Mutant | None]


Changes = Callable[[Path], Iterable[Change]]
"""Gives all changes of a source."""


def sources(places: Iterable[str], suffixes: set[str]) -> list[Path]:
    """The sources in files and folders, which are named from the root."""
    found: set[Path] = set()
    for place in places:
        path = ROOT / place
        if not path.exists():
            raise SystemExit(f"there is no {place}")
        found.update([path] if path.is_file() else path.rglob("*"))
    return sorted(path for path in found if path.suffix in suffixes)


def draw(paths: Iterable[Path], changes: Changes, seed: int) -> Iterator[Mutant]:
    """Gives mutants in an order that depends on the seed, and on each line alone.

    So most of them stay the same while the sources change.
    """
    lines = [line for path in paths for line in _lines(path, changes, seed)]
    for line in sorted(lines, key=lambda line: line.order):
        mutant = random.Random(line.order).choice(line.changes).make()
        if mutant is not None:
            yield mutant


@dataclass(frozen=True)
class _Line:
    order: bytes
    changes: list[Change]


def _lines(path: Path, changes: Changes, seed: int) -> Iterator[_Line]:
    """The lines of a source that can be changed."""
    by_line: dict[int, list[Change]] = defaultdict(list)
    for change in changes(path):
        by_line[change.line].append(change)
    texts = path.read_text().splitlines()
    seen: Counter[str] = Counter()
    for line, found in sorted(by_line.items()):
        text = texts[line - 1]
        seen[text] += 1  # The first such line of the source, the second, ...
        name = f"{seed} {path.name} {seen[text]} {text}"
        yield _Line(hashlib.sha256(name.encode()).digest(), found)
