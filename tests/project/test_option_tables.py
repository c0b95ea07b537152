# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""docs/options.md lists the options that there are."""

from __future__ import annotations

from tests.project.test_layout import ROOT
from tfnative import CompileOptions, LoadOptions, OptimizeOptions
from tfnative._base.options.document import markdown_table
from tools.write_options import with_tables

PAGE = (ROOT / "docs/options.md").read_text()


def test_the_tables_are_those_of_the_declarations():
    assert with_tables(PAGE) == PAGE, "make options writes them anew"
    for of in (CompileOptions, LoadOptions, OptimizeOptions):
        assert markdown_table(of) in PAGE
