# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""CHANGELOG.md keeps to Keep a Changelog."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "CHANGELOG.md").read_text().splitlines()
RELEASE = re.compile(r"## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_it_begins_with_what_is_unreleased():
    sections = [line for line in LINES if line.startswith("## ")]
    assert LINES[0] == "# Changelog"
    assert sections[0] == "## [Unreleased]"


def test_releases_have_dates_and_descend():
    versions = []
    for line in LINES:
        if line.startswith("## ") and line != "## [Unreleased]":
            match = RELEASE.match(line)
            assert match, line
            versions.append(tuple(map(int, match[1].split("."))))
    assert versions == sorted(versions, reverse=True)


def test_changes_are_of_the_known_kinds():
    assert {line[4:] for line in LINES if line.startswith("### ")} <= KINDS
