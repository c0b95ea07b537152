# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Results, kept in a file, so that a run that was interrupted goes on."""

from __future__ import annotations

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
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._results: dict[str, Result] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for line in path.read_text().splitlines() if path.exists() else []:
            fields = json.loads(line)
            fields["mutant"] = Mutant(**fields["mutant"])
            fields["outcome"] = Outcome(fields["outcome"])
            result = Result(**fields)
            self._results[result.mutant.key] = result

    def get(self, mutant: Mutant) -> Result | None:
        """What became of the mutant, if that is known."""
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
