# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the benchmarks share; none of them needs a peer."""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

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


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has models made and converted in this process, which has TensorFlow already.

    For what measures several: each would take three processes, and each process five
    seconds to import TensorFlow. test_compare.py has them.
    """
    for name in ("models", "prepare"):
        monkeypatch.setattr(f"benchmarks.{name}.run_python", _run_main)


def _run_main(flag: str, module: str, *arguments: str | Path) -> str:
    """What `python -m` prints, in its place."""
    assert flag == "-m"
    package = importlib.import_module(module)
    if hasattr(package, "__path__"):
        package = importlib.import_module(f"{module}.__main__")
    main: Callable[..., object] = package.main
    printed = io.StringIO()
    with redirect_stdout(printed):
        main(*map(str, arguments))
    return printed.getvalue()
