# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Draws mutants of the sources, and says which of them no test catches.

python -m tests.mutants {cpp,python} [--number 200] [--seed 1] [--jobs 2]

Results are kept in build/mutants: a run that was interrupted goes on, and one after new
tests tries those survivors again with --retry-survivors which may do harm. With --kept
no mutant is drawn: they are those whose results are kept, of all seeds and places.
What did not survive is known from tests/mutants/tried, too, where --keep puts it, and
is not tried again unless --anew says so.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tests.mutants.draw import Changes, draw, sources
from tests.mutants.harmless import harmless_kinds
from tests.mutants.mutant import BUILD, Mutant, Outcome, Result
from tests.mutants.records import Records
from tests.mutants.report import may_do_harm, print_json, print_table
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
TRIED = Path(__file__).with_name("tried")
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
    parser.add_argument("--skip", type=int, default=0, help="of those drawn first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="mutants tried at once")
    parser.add_argument("--json", action="store_true", help="all results, as JSON")
    parser.add_argument("--retry-survivors", action="store_true")
    parser.add_argument("--kept", action="store_true", help="draw no mutants")
    parser.add_argument("--keep", action="store_true", help="results, in the tree")
    parser.add_argument(
        "--trust", action="store_true", help="try none that harmless.toml lists"
    )
    parser.add_argument("--anew", action="store_true", help="use none of the tree")
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
    tree = TRIED / f"{wanted.language}.txt"
    records = Records(BUILD / f"{wanted.language}.jsonl", tree, is_anew=wanted.anew)
    kept = records.all()
    if wanted.retry_survivors:
        kinds = harmless_kinds()
        records.forget(result for result in kept if may_do_harm(result, kinds))
    if wanted.kept and not wanted.retry_survivors:
        results = kept
    else:
        results = new_results(wanted, records, [result.mutant for result in kept])
    if wanted.keep:
        records.write_tree(results)
    (print_json if wanted.json else print_table)(results)


def new_results(
    wanted: argparse.Namespace, records: Records, kept: list[Mutant]
) -> list[Result]:
    """What became of mutants, of which those are tried that are not recorded."""
    changes, run = prepared(wanted.language, wanted.jobs)
    if wanted.trust:
        run = trusting(run)
    folders = [BUILD / wanted.language / f"job{job}" for job in range(wanted.jobs)]
    if wanted.kept:
        return tried(iter(kept), len(kept), folders, records, run)
    mutants = islice(drawn(wanted, changes), wanted.skip, None)
    return tried(mutants, wanted.number, folders, records, run)


def trusting(run: Run) -> Run:
    """Tries those mutants alone that may do harm."""
    kinds = harmless_kinds()

    def result(mutant: Mutant, folder: Path) -> Result:
        if any(kind.has(mutant) for kind in kinds):
            return Result(mutant, Outcome.SURVIVED, "harmless.toml")
        return run(mutant, folder)

    return result


def drawn(wanted: argparse.Namespace, changes: Changes) -> Iterator[Mutant]:
    """The mutants of the places that are wanted."""
    paths = sources(wanted.places or PLACES[wanted.language], SUFFIXES[wanted.language])
    left_out = () if wanted.places else tuple(LEFT_OUT)
    for mutant in draw(paths, changes, wanted.seed):
        if not mutant.path.endswith(left_out):
            yield mutant


if __name__ == "__main__":
    main()
