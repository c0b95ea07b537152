# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Results, kept in a file, so that a run that was interrupted goes on."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path

from tests.mutants.mutant import Mutant, Outcome, Result


class Records:
    """The results of all runs; may be used by several threads.

    Args:
        path: A file with one JSON object per line; it need not exist.
        retry_survivors: Forget the mutants that survived: there are new tests.
    """

    def __init__(self, path: Path, *, retry_survivors: bool = False) -> None:
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
        if retry_survivors:
            self._results = {
                key: result
                for key, result in self._results.items()
                if result.outcome is not Outcome.SURVIVED
            }

    def get(self, mutant: Mutant) -> Result | None:
        """What became of the mutant, if that is known."""
        return self._results.get(mutant.key)

    def add(self, result: Result) -> None:
        """Keeps a result, at once."""
        fields = asdict(result) | {"outcome": result.outcome.value}
        with self._lock:
            self._results[result.mutant.key] = result
            with self._path.open("a") as file:
                file.write(json.dumps(fields) + "\n")
