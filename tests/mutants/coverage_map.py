# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which tests may catch a mutant of Python, and how long they take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath

from tests.mutants.mutant import ROOT
from tests.mutants.recording import FOLDERS, TestFile, line_names, within_package


class CoverageMap:
    """What is recorded of the tests."""

    def __init__(self, files: Iterable[TestFile]) -> None:
        self.seconds: dict[str, float] = {}
        """How long each test takes, by its name."""
        self._lines: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )
        for file in files:
            self.seconds |= file.seconds
            names = list(file.seconds)
            for source, lines in file.lines.items():
                for line, places in lines.items():
                    self._lines[source][line].update(names[place] for place in places)

    def tests(self, path: str, lines: Iterable[int]) -> list[str]:
        """The tests that run any of the lines: those named after the source first.

        Of these, and of the others, the quickest are first.

        A line that runs when it is imported, or in another process, is not known to be
        run by a test. Then these are the tests that are named after the source, which
        may read a table of it, and those that run something of it; if there is none,
        of its folder; and then those of the mirrored folder.
        """
        source = within_package(ROOT / path)
        names = line_names((ROOT / path).read_text())
        known = self._lines[source]
        folder = source.rpartition("/")[0]
        mirrored = [tests for place, tests in FOLDERS.items() if path.startswith(place)]
        own = f"/test_{PurePath(path).stem}.py::"
        candidates = (
            {test for line in lines for test in known.get(names[line - 1], ())},
            {test for test in self.seconds if own in test}.union(*known.values()),
            {
                test
                for each, of_each in self._lines.items()
                if each.rpartition("/")[0] == folder
                for tests in of_each.values()
                for test in tests
            },
            {test for test in self.seconds if test.startswith(tuple(mirrored))},
        )
        return sorted(
            next(filter(None, candidates)),
            key=lambda test: (own not in test, self.seconds[test], test),
        )
