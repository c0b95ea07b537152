# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What all tests share, however many processes run them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import tfnative
from tests.models import ModelCase
from tests.shared_fork_server import share_fork_server
from tests.turns import Once, made_once, turn

Export = Callable[[ModelCase], Path]
Compile = Callable[..., Path]

# How long an example takes is up to whatever else the machine does.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

FILES_SHOWN = 25
_RUN_FOLDER = pytest.StashKey[Path]()


def _run_folder(config: pytest.Config) -> Path:
    """A folder that this run's processes share."""
    if _RUN_FOLDER not in config.stash:
        base: Path = config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        is_worker = hasattr(config, "workerinput")
        config.stash[_RUN_FOLDER] = base.parent if is_worker else base
    return config.stash[_RUN_FOLDER]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Runs tests that are marked ``alone`` while no other process runs any."""
    if not hasattr(item.config, "workerinput"):
        return (yield)
    alone = item.get_closest_marker("alone") is not None
    with turn(_run_folder(item.config), alone=alone):
        return (yield)


def pytest_runtest_setup() -> None:
    """Lets the tests of a process share the process that compiles."""
    share_fork_server()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Shows the files that took longest; pytest itself shows the tests."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") in ("setup", "call", "teardown"):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    if not seconds:
        return
    terminalreporter.section("slowest files")
    for name, taken in seconds.most_common(FILES_SHOWN):
        terminalreporter.write_line(f"{taken:7.1f} s  {name}")
    terminalreporter.write_line(f"{seconds.total():7.1f} s  all, one after the other")


@pytest.fixture(scope="session")
def once(request: pytest.FixtureRequest) -> Once:
    """Makes something once for all tests of the run, by its key."""
    return made_once(_run_folder(request.config))


@pytest.fixture(scope="session")
def export(once: Once) -> Export:
    """Exports a model of the zoo, at most once in a run, and returns its path."""

    def export_once(case: ModelCase) -> Path:
        return once(f"models/{case.name}", case.export)

    return export_once


@pytest.fixture(scope="session")
def compiled(once: Once, export: Export) -> Compile:
    """Compiles a model of the zoo, at most once in a run for the same options.

    For tests that only read or run the artifact. ``name`` is the artifact's, and that
    of its folder; the other options are those of ``tfnative.compile``.
    """

    def compile_once(case: ModelCase, name: str, **options: Any) -> Path:
        digest = hashlib.sha256(repr(sorted(options.items())).encode()).hexdigest()

        def make(folder: Path) -> Path:
            return tfnative.compile(export(case), folder / name, name=name, **options)

        return once(f"artifacts/{case.name}-{name}-{digest[:16]}", make)

    return compile_once
