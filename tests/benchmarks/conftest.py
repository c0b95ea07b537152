# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the benchmarks share; none of them needs a peer."""

from __future__ import annotations

import importlib.util

import pytest

NEEDED = ("matplotlib", "rich", "tensorflow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips these tests where what the benchmarks themselves need is missing."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        skip = pytest.mark.skip(reason=f"needs {', '.join(missing)}")
        for item in items:
            if item.path.is_relative_to(__file__.rpartition("/")[0]):
                item.add_marker(skip)
