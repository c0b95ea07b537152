# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which tests run a line of Python, and how long they take."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree
from collections.abc import Iterable
from pathlib import Path

import coverage

from tests.mutants.mutant import BUILD, ROOT

FOLDERS = {
    "python/tfnative/_batch": "tests/python/batch",
    "python/tfnative/_store": "tests/python/store",
    "python/tfnative/serving": "tests/python/serving",
    "aot/tfnative_aot/program/passes": "tests/aot/program/passes",
}
"""The folders of tests that mirror those of sources."""
QUICK = "not slow and not alone"
"""The tests that are tried: together the others take most of the time."""
DATA = BUILD / "python" / "coverage"
TIMES = BUILD / "python" / "tests.xml"
SETTINGS = BUILD / "python" / "coveragerc"


def is_recorded() -> bool:
    """Whether the tests were run since the last of them was written."""
    if not TIMES.exists():
        return False
    last = TIMES.stat().st_mtime
    return all(
        test.stat().st_mtime < last
        for folder in FOLDERS.values()
        for test in (ROOT / folder).rglob("*.py")
    )


def record_coverage(processes: int) -> None:
    """Runs the tests once, and keeps which lines each of them runs.

    Those that fail will not be run again: they would catch any mutant.
    """
    new_data, new_times = DATA.with_suffix(".new"), TIMES.with_suffix(".new")
    DATA.parent.mkdir(parents=True, exist_ok=True)
    SETTINGS.write_text(
        f"[run]\nsource_pkgs =\n  tfnative\n  tfnative_aot\ndata_file = {new_data}\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(processes)]
    command += ["-p", "no:cacheprovider", "--dist", "worksteal", "-m", QUICK, "--cov"]
    command += [f"--cov-config={SETTINGS}", "--cov-context=test", "--cov-report="]
    command += [f"--junitxml={new_times}", *FOLDERS.values()]
    subprocess.run(command, cwd=ROOT, check=False)
    new_data.replace(DATA)
    new_times.replace(TIMES)


class CoverageMap:
    """What record_coverage kept."""

    def __init__(self) -> None:
        self._data = coverage.CoverageData(str(DATA))
        self._data.read()
        self._files = {
            _within_package(Path(name)): name for name in self._data.measured_files()
        }
        self._seconds: dict[str, float] = {}
        for case in xml.etree.ElementTree.parse(TIMES).iter("testcase"):
            name = f"{case.get('classname')}::{case.get('name')}"
            if case.find("failure") is None and case.find("error") is None:
                self._seconds[name] = float(case.get("time", 0))

    def tests(self, path: str, lines: Iterable[int]) -> list[str]:
        """The tests that run any of the lines: quickest first.

        A line that runs when it is imported, or in another process, is not known to be
        run by a test. Then these are the tests that run something of the same source;
        if there is none, of its folder; and then those of the mirrored folder.
        """
        source = _within_package(ROOT / path)
        of_lines = self._contexts(source)
        folder = source.rpartition("/")[0]
        mirrored = [tests for place, tests in FOLDERS.items() if path.startswith(place)]
        candidates = (
            {name for line in lines for name in of_lines.get(line, set())},
            set().union(*of_lines.values()),
            {
                name
                for each in self._files
                if each.rpartition("/")[0] == folder
                for names in self._contexts(each).values()
                for name in names
            },
            {name for name in self._all() if name.startswith(tuple(mirrored))},
        )
        names = next(filter(None, candidates))
        return sorted(names, key=lambda name: (self.seconds(name) or 0.0, name))

    def seconds(self, name: str) -> float | None:
        """How long a test takes; None if it was not run."""
        return self._seconds.get(_as_in_times(name))

    def _contexts(self, source: str) -> dict[int, set[str]]:
        """The tests that run each line of a source, of those whose time is known."""
        known = self._data.contexts_by_lineno(self._files.get(source, ""))
        found: dict[int, set[str]] = {}
        for line, contexts in known.items():
            names = {context.rpartition("|")[0] for context in contexts}
            found[line] = {name for name in names if self.seconds(name) is not None}
        return found

    def _all(self) -> set[str]:
        contexts = self._data.measured_contexts()
        names = {context.rpartition("|")[0] for context in contexts}
        return {name for name in names if self.seconds(name) is not None}


def _within_package(path: Path) -> str:
    """A source's path from the package's folder, wherever it is installed."""
    parts = path.parts
    names = ("tfnative", "tfnative_aot")
    packages = [place for place, part in enumerate(parts) if part in names]
    return "/".join(parts[packages[-1] :]) if packages else ""


def _as_in_times(name: str) -> str:
    """A test's name as JUnit's format has it."""
    path, _, test = name.partition("::")
    return f"{path.removesuffix('.py').replace('/', '.')}::{test}"
