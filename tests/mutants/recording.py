# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of Python, and keeps which lines each of them runs.

It is kept for each file of tests, so that only what was written since runs again. A
line is kept by what it says, and not by its number: so it is still known after another
line was added above it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import xml.etree.ElementTree
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
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
PLACE = BUILD / "python"
RECORDS = PLACE / "tests.json"


@dataclass(frozen=True)
class TestFile:
    """What the tests of one file do.

    Attributes:
        digest: Of the file, as it was when its tests ran.
        seconds: What each test takes, by its name. Those that fail are not among
            them: they would catch any mutant.
        lines: The places in ``seconds`` of the tests that run a line, by the source,
            and by how the line is named.
    """

    digest: str
    seconds: dict[str, float]
    lines: dict[str, dict[str, list[int]]]


def recorded(processes: int) -> list[TestFile]:
    """What each file of tests does; those that are new or have changed run first."""
    known = {}
    if RECORDS.exists():
        for path, fields in json.loads(RECORDS.read_text()).items():
            known[path] = TestFile(**fields)
    digests = {
        path.relative_to(ROOT).as_posix(): _digest(path)
        for folder in FOLDERS.values()
        for path in sorted((ROOT / folder).rglob("test_*.py"))
    }
    changed = [
        path
        for path, digest in digests.items()
        if path not in known or known[path].digest != digest
    ]
    if changed:
        data, times = _run(changed, processes)
        for path in changed:
            known[path] = read_test_file(path, digests[path], data, times)
    kept = {path: known[path] for path in digests}
    RECORDS.write_text(json.dumps({path: asdict(each) for path, each in kept.items()}))
    return list(kept.values())


def line_names(text: str) -> list[str]:
    """Names each line of a source: what it says, and how often that was before."""
    seen: Counter[str] = Counter()
    names = []
    for line in text.splitlines():
        seen[line] += 1
        names.append(f"{seen[line]} {line}")
    return names


def within_package(path: Path) -> str:
    """A source's path from the package's folder, wherever it is installed."""
    parts = path.parts
    names = ("tfnative", "tfnative_aot")
    packages = [place for place, part in enumerate(parts) if part in names]
    return "/".join(parts[packages[-1] :]) if packages else ""


def read_test_file(
    path: str, digest: str, data: coverage.CoverageData, times: Path
) -> TestFile:
    """What coverage and pytest say of one file of tests."""
    seconds = {}
    tests = {context.rpartition("|")[0] for context in data.measured_contexts()}
    classname = path.removesuffix(".py").replace("/", ".")
    for case in xml.etree.ElementTree.parse(times).iter("testcase"):
        name = f"{path}::{case.get('name')}"
        passed = case.find("failure") is None and case.find("error") is None
        is_known = name in tests or _is_plain(name)
        if case.get("classname") == classname and passed and is_known:
            seconds[name] = float(case.get("time", 0))
    places = {name: place for place, name in enumerate(seconds)}
    lines = {}
    for measured in data.measured_files():
        source = within_package(Path(measured))
        if source.startswith(tuple(map(_package_folder, FOLDERS))):
            found = _lines_run(Path(measured), data, places)
            if found:
                lines[source] = found
    return TestFile(digest, seconds, lines)


def _is_plain(name: str) -> bool:
    """Whether pytest's report has a test's name as it is.

    That of one which runs none of our lines, but reads a table, stands nowhere else.
    """
    return name.isascii() and name.isprintable() and not set(name) & {"\\", "#"}


def _lines_run(
    measured: Path, data: coverage.CoverageData, places: dict[str, int]
) -> dict[str, list[int]]:
    """The tests, of some, that run each line of a source."""
    names = line_names(measured.read_text())
    found = {}
    for line, contexts in data.contexts_by_lineno(str(measured)).items():
        tests = {context.rpartition("|")[0] for context in contexts}
        if of_line := sorted(places[test] for test in tests & places.keys()):
            found[names[line - 1]] = of_line
    return found


def _run(paths: Iterable[str], processes: int) -> tuple[coverage.CoverageData, Path]:
    """Runs files of tests once: what they run, and how long each test took."""
    PLACE.mkdir(parents=True, exist_ok=True)
    file, times = PLACE / "coverage", PLACE / "tests.xml"
    settings = PLACE / "coveragerc"
    settings.write_text(
        f"[run]\nsource_pkgs =\n  tfnative\n  tfnative_aot\ndata_file = {file}\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(processes)]
    command += ["-p", "no:cacheprovider", "--dist", "worksteal", "-m", QUICK, "--cov"]
    command += [f"--cov-config={settings}", "--cov-context=test", "--cov-report="]
    subprocess.run([*command, f"--junitxml={times}", *paths], cwd=ROOT, check=False)
    data = coverage.CoverageData(str(file))
    data.read()
    return data, times


def _package_folder(place: str) -> str:
    return within_package(Path(place))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
