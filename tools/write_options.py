# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables in docs/options.md from where options are declared.

    make options

The installed tfnative is asked, as everywhere else.
"""

from __future__ import annotations

import re
from pathlib import Path

import tfnative
from tfnative._base.options.document import markdown_table

PAGE = Path(__file__).resolve().parents[1] / "docs/options.md"
_TABLE = re.compile(
    r"(<!-- Written by `make options`: (\w+) -->\n).*?(<!-- End -->)", re.S
)


def with_tables(text: str) -> str:
    """The page with the tables that belong into it."""
    return _TABLE.sub(lambda found: f"{found[1]}\n{_table(found[2])}\n{found[3]}", text)


def _table(name: str) -> str:
    return markdown_table(getattr(tfnative, name))


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
