# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tries mutants until enough of them compiled."""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from tests.mutants.mutant import Mutant, Outcome, Result
from tests.mutants.records import Records

Run = Callable[[Mutant, Path], Result]
"""Tries a mutant in a folder that no other trial uses meanwhile."""


def tried(
    drawn: Iterator[Mutant], number: int, places: list[Path], records: Records, run: Run
) -> list[Result]:
    """Tries the first mutants that are drawn, of which a number compiles.

    As many are tried at once as there are places: folders for them.

    Results that are known already are taken from the records, and new ones added.
    """
    folders: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for place in places:
        folders.put(place)

    def result(mutant: Mutant) -> Result:
        known = records.get(mutant)
        if known is not None:
            return Result(mutant, known.outcome, known.by, known.seconds)
        folder = folders.get()
        try:
            new = run(mutant, folder)
        finally:
            folders.put(folder)
        records.add(new)
        what = f"{new.outcome.value:<16} {new.seconds:6.1f} s"
        print(f"{what}  {mutant.path}:{mutant.line}", file=sys.stderr)
        return new

    results: list[Result] = []
    missing = number
    with ThreadPoolExecutor(len(places)) as pool:
        while missing > 0 and (some := list(islice(drawn, missing))):
            results.extend(pool.map(result, some))
            missing = number - sum(
                result.outcome is not Outcome.UNCOMPILABLE for result in results
            )
    return results
