# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tries mutants of Python on the tests that run the mutated lines.

A trial has a copy of the installed packages, which stands before them in PYTHONPATH, so
that the processes which tests start have the mutant too.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.mutants.coverage_map import CoverageMap, is_recorded, record_coverage
from tests.mutants.mutant import ROOT, Mutant, Outcome, Result

MOST_SECONDS = 60.0
"""Of tests, by what they took without a change: the others are left out."""
TIMES_SLOWER = 4
START_SECONDS = 120.0
"""What pytest takes until the first test, at most."""


class PythonTrial:
    """Knows which tests to run, and tries mutants; may be used in several threads."""

    def __init__(self, jobs: int) -> None:
        if not is_recorded():
            record_coverage(jobs)
        self._coverage = CoverageMap()
        self._copied: set[Path] = set()

    def run(self, mutant: Mutant, folder: Path) -> Result:
        """Tests one mutant, in a folder that no other trial uses meanwhile."""
        begin = time.monotonic()
        if folder not in self._copied:  # A run that was interrupted leaves its mutant.
            shutil.rmtree(folder, ignore_errors=True)
            _copy_packages(folder)
            self._copied.add(folder)
        target = folder / mutant.path
        original = target.read_text()
        target.write_text(mutant.source())
        try:
            outcome, by = self._outcome(mutant, target, folder)
        finally:
            target.write_text(original)
        return Result(mutant, outcome, by, round(time.monotonic() - begin, 1))

    def _outcome(
        self, mutant: Mutant, target: Path, folder: Path
    ) -> tuple[Outcome, str]:
        try:
            compile(target.read_text(), mutant.path, "exec")
        except SyntaxError:
            return Outcome.UNCOMPILABLE, "Python"
        tests, seconds = self._chosen(mutant)
        names = folder / "tests.txt"
        names.write_text("".join(f"{name}\n" for name in tests))
        options = ["-q", "-x", "-p", "no:cacheprovider", "--durations=0"]
        command = [sys.executable, "-m", "pytest", *options, f"@{names}"]
        text = _run(command, START_SECONDS + TIMES_SLOWER * seconds, ROOT, folder)
        if text is None:
            return Outcome.TIMED_OUT, "pytest"
        if text:
            return Outcome.CAUGHT, text
        types = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml"]
        if _run([str(word) for word in types], 600.0, folder, folder) != "":
            return Outcome.CAUGHT, "mypy"
        return Outcome.SURVIVED, f"{len(tests)} tests"

    def _chosen(self, mutant: Mutant) -> tuple[list[str], float]:
        """Tests, quickest first, and how many seconds they take together."""
        count = max(1, mutant.before.count("\n"))
        lines = range(mutant.line, mutant.line + count)
        chosen: list[str] = []
        seconds = 0.0
        for name in self._coverage.tests(mutant.path, lines):
            taken = self._coverage.seconds(name) or 0.0
            if chosen and seconds + taken > MOST_SECONDS:
                break
            chosen.append(name)
            seconds += taken
        return chosen, seconds


def _copy_packages(folder: Path) -> None:
    """Puts copies of the installed packages where they are in the project."""
    for name, place in (("tfnative", "python"), ("tfnative_aot", "aot")):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations
        shutil.copytree(spec.submodule_search_locations[0], folder / place / name)


def _run(command: list[str], limit: float, cwd: Path, folder: Path) -> str | None:
    """Runs a check of a mutant: "", or what failed, or None if it took too long."""
    paths = f"{folder / 'python'}{os.pathsep}{folder / 'aot'}"
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            text, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None
    if process.returncode == 0:
        return ""
    said = text.splitlines()
    failed = [line for line in said if line.startswith(("FAILED", "ERROR"))]
    return failed[0] if failed else text[-200:]
