# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Says what became of mutants: as a table for people, or as JSON."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import PurePath

from tests.mutants.harmless import Kind, harmless_kinds
from tests.mutants.mutant import Outcome, Result

FOLDER_DEPTH = 3
"""As python/tfnative/serving: of the folders that the table has."""


def harmless_reason(result: Result, kinds: list[Kind]) -> str | None:
    """Why a survivor does no harm; None if it may do some, or did not survive."""
    if result.outcome is not Outcome.SURVIVED:
        return None
    return next((kind.reason for kind in kinds if kind.has(result.mutant)), None)


def may_do_harm(result: Result, kinds: list[Kind]) -> bool:
    """Whether a mutant survived, for no reason that is listed."""
    survived = result.outcome is Outcome.SURVIVED
    return survived and harmless_reason(result, kinds) is None


def print_table(results: list[Result]) -> None:
    """Prints the survivors, those that may do harm last, and how many there are."""
    kinds = harmless_kinds()
    harmless: dict[str, list[Result]] = defaultdict(list)
    survivors = []
    for result in results:
        reason = harmless_reason(result, kinds)
        if reason is not None:
            harmless[reason].append(result)
        elif result.outcome is Outcome.SURVIVED:
            survivors.append(result)
    for reason, known in sorted(harmless.items()):
        print(f"Harmless: {reason}")
        for result in known:
            print(result.mutant)
    print("Survivors:" if survivors else "No survivors.")
    for result in survivors:
        print(result.mutant)
    print(by_folder(results, kinds))
    print(summary(results, len(survivors)))


def by_folder(results: list[Result], kinds: list[Kind]) -> str:
    """A table in Markdown: what became of the mutants of each folder."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        parts = PurePath(result.mutant.path).parts[:-1]
        rows["/".join(parts[:FOLDER_DEPTH])][_what(result, kinds)] += 1
    columns = ("caught", "harmless", "survive", "do not compile or change nothing")
    lines = [("folder", *columns), ("---", *["---:"] * len(columns))]
    for folder in sorted(rows):
        counts = [str(rows[folder][column]) for column in columns]
        lines.append((f"`{folder}/`", *counts))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _what(result: Result, kinds: list[Kind]) -> str:
    """The column that counts a result."""
    if result.outcome in (Outcome.CAUGHT, Outcome.TIMED_OUT):
        return "caught"
    if result.outcome is not Outcome.SURVIVED:
        return "do not compile or change nothing"
    return "survive" if may_do_harm(result, kinds) else "harmless"


def summary(results: list[Result], survivors: int) -> str:
    """Counts, and the share that is caught of the mutants that may do harm."""
    counts = Counter(result.outcome for result in results)
    caught = counts[Outcome.CAUGHT] + counts[Outcome.TIMED_OUT]
    harmful = caught + survivors
    types = sum(result.by == "mypy" for result in results)
    rows = [
        ("drawn", len(results)),
        ("do not compile", counts[Outcome.UNCOMPILABLE]),
        ("caught by mypy alone", types),
        ("caught by a test that fails", counts[Outcome.CAUGHT] - types),
        ("caught by a test that does not end", counts[Outcome.TIMED_OUT]),
        ("compile to the same program", counts[Outcome.SAME]),
        ("survive, and do no harm", counts[Outcome.SURVIVED] - survivors),
        ("survive", survivors),
    ]
    table = "".join(f"{count:6d}  {what}\n" for what, count in rows)
    share = f"{caught / harmful:6.0%}" if harmful else "     -"
    return f"{table}{share}  caught, of those that may do harm"


def print_json(results: list[Result]) -> None:
    """Prints a list with an object for each mutant."""
    kinds = harmless_kinds()
    print(
        json.dumps(
            [
                asdict(result)
                | {"outcome": result.outcome.value}
                | {"harmless": harmless_reason(result, kinds)}
                for result in results
            ],
            indent=2,
        )
    )
