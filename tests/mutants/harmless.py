# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which survivors do no harm, and why: harmless.toml."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import Mutant

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest brings it, for its own configuration.
    import tomli as tomllib


@dataclass(frozen=True)
class Kind:
    """Changes that no test can or should see, for one reason.

    Attributes:
        reason: Why they do no harm.
        before: The source lines, without what is around them; or "re:" and a pattern.
        after: What such a line has to become; any change if empty.
    """

    reason: str
    before: frozenset[str]
    after: frozenset[str]

    def has(self, mutant: Mutant) -> bool:
        """Whether a mutant is of this kind."""
        before, after = _one_line(mutant.before), _one_line(mutant.after)
        if self.after and after not in self.after:
            return False
        return any(
            re.search(known[3:], before) if known[:3] == "re:" else known == before
            for known in self.before
        )


def harmless_kinds() -> list[Kind]:
    """What harmless.toml lists."""
    table = tomllib.loads(Path(__file__).with_name("harmless.toml").read_text())
    return [
        Kind(
            entry["reason"],
            frozenset(entry["before"]),
            frozenset(entry.get("after", [])),
        )
        for entry in table["kind"]
    ]


def _one_line(text: str) -> str:
    return " ".join(text.split())
