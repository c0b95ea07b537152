# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""benchmarks/run.py: what it asks for before it measures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import run, workloads
from benchmarks.workloads import detect_objects


def test_a_package_that_is_not_there_is_named_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(folder: Path) -> None:
        raise AssertionError(f"measured in {folder}")

    monkeypatch.setattr(detect_objects, "PACKAGES", ("no_such_package",))
    monkeypatch.setattr(detect_objects, "run", measured)
    monkeypatch.setattr(sys, "argv", ["run.py", "detect_objects"])
    with pytest.raises(SystemExit) as ended:
        run.main()
    assert ended.value.code == 2
    assert "no_such_package: pip install '.[bench]'" in capsys.readouterr().err


def test_every_workload_says_what_it_needs() -> None:
    assert all(isinstance(workloads.missing(name), list) for name in workloads.NAMES)
