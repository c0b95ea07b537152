# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Draws mutants of the sources, and says which of them no test catches.

python -m tests.mutants {cpp,python} [--number 200] [--seed 1] [--jobs 2]

Results are kept in build/mutants: a run that was interrupted goes on, and one after new
tests tries the survivors again with --retry-survivors.
"""

from __future__ import annotations

import argparse

from tests.mutants.draw import Changes, draw, sources
from tests.mutants.mutant import BUILD
from tests.mutants.records import Records
from tests.mutants.report import print_json, print_table
from tests.mutants.trying import Run, tried

PLACES = {
    "cpp": ["cpp/src"],
    "python": [
        "python/tfnative/_batch",
        "python/tfnative/_store",
        "python/tfnative/serving",
        "aot/tfnative_aot/program/passes",
    ],
}
SUFFIXES = {"cpp": {".cc", ".h"}, "python": {".py"}}
LEFT_OUT = {".h"}
"""Of what is drawn, unless places are named: most of a header is declarations, and many
sources read it, which takes minutes."""


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("language", choices=sorted(PLACES))
    parser.add_argument("--places", nargs="+", help="sources or folders")
    parser.add_argument("--number", type=int, default=200, help="of those that compile")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="mutants tried at once")
    parser.add_argument("--json", action="store_true", help="all results, as JSON")
    parser.add_argument("--retry-survivors", action="store_true")
    return parser.parse_args()


def prepared(language: str, jobs: int) -> tuple[Changes, Run]:
    """Gives what draws mutants and what tries them; builds what both need."""
    if language == "cpp":
        from tests.mutants.cpp_changes import cpp_changes
        from tests.mutants.cpp_trial import CppTrial

        return cpp_changes, CppTrial().run
    from tests.mutants.python_changes import python_changes
    from tests.mutants.python_trial import PythonTrial

    return python_changes, PythonTrial(jobs).run


def main() -> None:
    """Tries as many mutants as are wanted, and reports."""
    wanted = arguments()
    changes, run = prepared(wanted.language, wanted.jobs)
    records = Records(
        BUILD / f"{wanted.language}.jsonl", retry_survivors=wanted.retry_survivors
    )
    paths = sources(wanted.places or PLACES[wanted.language], SUFFIXES[wanted.language])
    left_out = () if wanted.places else tuple(LEFT_OUT)
    drawn = (
        mutant
        for mutant in draw(paths, changes, wanted.seed)
        if not mutant.path.endswith(left_out)
    )
    folders = [BUILD / wanted.language / f"job{job}" for job in range(wanted.jobs)]
    results = tried(drawn, wanted.number, folders, records, run)
    (print_json if wanted.json else print_table)(results)


if __name__ == "__main__":
    main()
