# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tries mutants of Python on the tests that run the mutated lines."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
from itertools import accumulate
from pathlib import Path

from tests.mutants.coverage_map import CoverageMap
from tests.mutants.mutant import ROOT, Mutant, Outcome, Result
from tests.mutants.mutated_run import Tested, run_check, run_tests
from tests.mutants.recording import recorded

MOST_SECONDS = 40.0
"""Of tests, by what they took without a change: the others are left out."""
TIMES_SLOWER, MOST_TIMES_SLOWER = 4.0, 32.0
TYPES = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]


class PythonTrial:
    """Knows which tests to run, and tries mutants; may be used in several threads."""

    def __init__(self, jobs: int) -> None:
        self._coverage = CoverageMap(recorded(jobs))
        self._copied: set[Path] = set()
        self._unreliable: set[str] = set()
        self._slower = TIMES_SLOWER

    def run(self, mutant: Mutant, folder: Path) -> Result:
        """Tests one mutant, in a folder that no other trial uses meanwhile."""
        begin = time.monotonic()
        if folder not in self._copied:  # A run that was interrupted leaves its mutant.
            shutil.rmtree(folder, ignore_errors=True)
            _copy_packages(folder)
            self._copied.add(folder)
        outcome, by = self._outcome(mutant, folder)
        return Result(mutant, outcome, by, round(time.monotonic() - begin, 1))

    def _outcome(self, mutant: Mutant, folder: Path) -> tuple[Outcome, str]:
        source = mutant.source()
        try:
            compile(source, mutant.path, "exec")
        except SyntaxError:
            return Outcome.UNCOMPILABLE, "Python"
        target = folder / mutant.path
        original = target.read_text()
        while True:
            tests = self._chosen(mutant)
            target.write_text(source)
            try:
                tested = run_tests(tests, folder, self._slower)
                if tested.outcome is Outcome.SURVIVED:
                    if run_check(TYPES, 600.0, folder, folder):
                        return Outcome.CAUGHT, "mypy"
                    return Outcome.SURVIVED, f"{len(tests)} tests"
            finally:
                target.write_text(original)
            if self._is_by_the_mutant(tested, tests, folder):
                return tested.outcome, tested.said

    def _is_by_the_mutant(
        self, tested: Tested, tests: dict[str, float], folder: Path
    ) -> bool:
        """Whether tests failed since the source was changed.

        They may do so by themselves on a machine that has other work, or since they
        have changed. So they run without the change too, where that could be.
        """
        failed = tested.failed_test
        if failed and not tested.is_slow:
            return True
        alone = failed or tested.hung_test
        chosen = {alone: tests.get(alone, 0.0)} if alone else tests
        without = run_tests(chosen, folder, self._slower)
        hung = Outcome.TIMED_OUT in (tested.outcome, without.outcome)
        if hung and without.is_slow:  # Who knows whether it was only slow before.
            self._slower *= 2
            if self._slower > MOST_TIMES_SLOWER:
                raise SystemExit("tests hang without a change: is the machine busy?")
            return False
        if without.failed_test:
            self._unreliable.add(without.failed_test)
        elif without.outcome is Outcome.CAUGHT:
            raise SystemExit(f"fails without a change: {without.said}")
        return without.outcome is Outcome.SURVIVED

    def _chosen(self, mutant: Mutant) -> dict[str, float]:
        """The tests that together do not take too long, one at least; their seconds."""
        count = max(1, mutant.before.count("\n"))
        lines = range(mutant.line, mutant.line + count)
        tests = [
            test
            for test in self._coverage.tests(mutant.path, lines)
            if test not in self._unreliable
        ]
        sums = accumulate(self._coverage.seconds[test] for test in tests)
        within = max(1, sum(seconds <= MOST_SECONDS for seconds in sums))
        return {test: self._coverage.seconds[test] for test in tests[:within]}


def _copy_packages(folder: Path) -> None:
    """Puts copies of the installed packages where they are in the project."""
    for name, place in (("tfnative", "python"), ("tfnative_aot", "aot")):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations
        shutil.copytree(spec.submodule_search_locations[0], folder / place / name)
