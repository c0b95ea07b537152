# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Results, kept in a file, so that a run that was interrupted goes on.

Those that more tests do not change are kept in the tree as well, in a smaller form, so
that not each checkout tries all mutants: what was caught, or cannot be.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from tests.mutants.mutant import Mutant, Outcome, Result


class Records:
    """The results of all runs; may be used by several threads.

    Args:
        path: A file with one JSON object per line; it need not exist.
        tree: A file with one line for each mutant that did not survive: its source, a
            digest of the change, and what became of it. It need not exist.
        is_anew: Whether what the tree has is left out.
    """

    def __init__(self, path: Path, tree: Path, *, is_anew: bool = False) -> None:
        self._path = path
        self._tree = tree
        self._lock = threading.Lock()
        self._results: dict[str, Result] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for line in path.read_text().splitlines() if path.exists() else []:
            fields = json.loads(line)
            fields["mutant"] = Mutant(**fields["mutant"])
            fields["outcome"] = Outcome(fields["outcome"])
            result = Result(**fields)
            self._results[result.mutant.key] = result

        self._known = {} if is_anew else _read(tree)

    def get(self, mutant: Mutant) -> Result | None:
        """What became of the mutant, if that is known."""
        known = self._known.get(_name(mutant))
        if mutant.key not in self._results and known is not None:
            return Result(mutant, known, "an earlier run")
        return self._results.get(mutant.key)

    def all(self) -> list[Result]:
        """Of all runs, the results of those mutants whose lines are still there."""
        found = []
        for result in self._results.values():
            mutant = result.mutant.where_it_is_now()
            if mutant is not None:
                found.append(replace(result, mutant=mutant))
        return found

    def forget(self, results: Iterable[Result]) -> None:
        """Lets mutants be tried again, since there are new tests."""
        for result in results:
            self._results.pop(result.mutant.key, None)

    def add(self, result: Result) -> None:
        """Keeps a result, at once."""
        fields = asdict(result) | {"outcome": result.outcome.value}
        with self._lock:
            self._results[result.mutant.key] = result
            with self._path.open("a") as file:
                file.write(json.dumps(fields) + "\n")

    def write_tree(self, results: Iterable[Result]) -> None:
        """Puts results into the tree, beside those that are there."""
        for result in results:
            if result.outcome is not Outcome.SURVIVED:
                self._known[_name(result.mutant)] = result.outcome
        lines = [f"{name} {self._known[name].value}\n" for name in sorted(self._known)]
        self._tree.parent.mkdir(parents=True, exist_ok=True)
        self._tree.write_text("".join(lines))


def _read(tree: Path) -> dict[str, Outcome]:
    """What became of mutants, by their names."""
    known = {}
    for line in tree.read_text().splitlines() if tree.exists() else []:
        path, digest, outcome = line.split(" ", 2)
        known[f"{path} {digest}"] = Outcome(outcome)
    return known


def _name(mutant: Mutant) -> str:
    """Of a line: other lines of the source may change."""
    return f"{mutant.path} {hashlib.sha256(mutant.key.encode()).hexdigest()[:12]}"
