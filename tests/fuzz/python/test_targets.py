# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Targets hold for their corpora, and for what a fuzzer makes of them for a while."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

for package in ("google.protobuf", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tests.fuzz.python.targets import CORPUS, TARGETS  # noqa: E402

ROOT = Path(__file__).parents[3]
SECONDS = os.environ.get("TFNATIVE_FUZZ_SECONDS", "4")


def inputs(name: str) -> list[Path]:
    return sorted((CORPUS / name).iterdir())


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_its_corpus(name):
    assert len(inputs(name)) > 5
    for path in inputs(name):
        TARGETS[name](path.read_bytes())


def test_there_is_a_corpus_for_each_target():
    assert {path.name for path in CORPUS.iterdir()} == TARGETS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_what_a_fuzzer_finds(name, tmp_path):
    pytest.importorskip("atheris", reason="needs atheris, which has no wheel here")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.python.run", name, SECONDS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [path.read_bytes() for path in tmp_path.rglob("failed-*")]
    assert done.returncode == 0, f"{failed}\n{done.stderr[-3000:]}"
    assert "stat::number_of_executed_units" in done.stderr
