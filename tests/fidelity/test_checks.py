# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Every op that is checked is in the table of the docs, and is provoked by a test."""

from __future__ import annotations

import re
from pathlib import Path

from tests.fidelity.checked_ops import CASES
from tfnative_aot.checks.rules import RULES

PAGE = Path(__file__).parents[2] / "docs/fidelity.md"


def test_every_op_that_is_checked_is_provoked():
    assert {op for case in CASES.values() for op in case.ops} == set(RULES)


def test_the_page_lists_every_op_that_is_checked():
    table = PAGE.read_text().partition("<!-- checks: begin -->")[2]
    rows = table.partition("<!-- checks: end -->")[0].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| `")]
    listed = [op for cell in cells for op in re.findall(r"`(\w+)`", cell)]
    assert sorted(listed) == sorted(RULES)
