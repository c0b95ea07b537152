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
    """Runs the tests once, and keeps which lines each of them runs."""
    DATA.parent.mkdir(parents=True, exist_ok=True)
    SETTINGS.write_text(
        f"[run]\nsource_pkgs =\n  tfnative\n  tfnative_aot\ndata_file = {DATA}\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(processes)]
    command += ["-p", "no:cacheprovider", "--dist", "worksteal", "--cov"]
    command += [f"--cov-config={SETTINGS}", "--cov-context=test", "--cov-report="]
    command += [f"--junitxml={TIMES}", *FOLDERS.values()]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        TIMES.unlink(missing_ok=True)
        raise SystemExit("the tests fail without a change")


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
            self._seconds[name] = float(case.get("time", 0))

    def tests(self, path: str, lines: Iterable[int]) -> list[str]:
        """The tests that run any of the lines: quickest first.

        Where none does, as far as is known, since a line runs when it is imported or
        in another process: all tests of the folder that mirrors that of the source.
        """
        known = self._data.contexts_by_lineno(
            self._files.get(_within_package(ROOT / path), "")
        )
        names = {
            name.rpartition("|")[0] for line in lines for name in known.get(line, [])
        }
        names = {name for name in names if name and self.seconds(name) is not None}
        if not names:
            mirrored = next(
                tests for place, tests in FOLDERS.items() if path.startswith(place)
            )
            names = {name for name in self._all() if name.startswith(mirrored)}
        return sorted(names, key=lambda name: (self.seconds(name) or 0.0, name))

    def seconds(self, name: str) -> float | None:
        """How long a test takes; None if it was not run."""
        return self._seconds.get(_as_in_times(name))

    def _all(self) -> set[str]:
        names: set[str] = set()
        for context in self._data.measured_contexts():
            names.add(context.rpartition("|")[0])
        return names - {""}


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
