# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The mutants of a C++ source, by universalmutator, with the rules in cpp.rules."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Iterator
from pathlib import Path

from universalmutator import mutator

from tests.mutants.draw import Change
from tests.mutants.mutant import ROOT, Mutant

RULES = Path(__file__).with_name("cpp.rules")


def cpp_changes(path: Path) -> Iterator[Change]:
    """Gives each change of a line that a rule allows, but none within literals."""
    lines = path.read_text().splitlines(keepends=True)
    with contextlib.redirect_stdout(io.StringIO()):  # It tells of its work.
        found = mutator.mutants_regexp(
            lines, ruleFiles=[str(RULES)], ignorePatterns=[], ignoreStringOnly=True
        )
    name = path.relative_to(ROOT).as_posix()
    for line, after, *_ in found:
        make = functools.partial(Mutant, name, line, lines[line - 1], after)
        yield Change(name, line, make)
