# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is said of engines; tests/python/engines has real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

import tfnative
from tests.python.score.files import write_parquet
from tfnative._cli.score import ENGINES as COMMAND_HAS
from tfnative._score.engines import local
from tfnative._score.engines.engine import ENGINES, engine_of, given_up
from tfnative._score.engines.local import LocalEngine
from tfnative.errors import FailedPreconditionError, InternalError


def test_the_command_has_all_engines():
    assert COMMAND_HAS == ENGINES
    for name in ENGINES:
        assert engine_of(name).pieces() >= 1


def test_an_engine_without_tfnative_is_told_from_others():
    stacks = "Traceback ...\nModuleNotFoundError: No module named 'tfnative'\n\tat java"
    error = given_up("Spark", "2 of 3 parts", stacks, "set PYSPARK_PYTHON")
    assert isinstance(error, FailedPreconditionError)
    assert "install it on all machines, or set PYSPARK_PYTHON" in str(error)


def test_what_went_wrong_is_at_the_end_of_what_is_said():
    error = given_up("Ray", "a part", "x" * 10_000 + "\nout of memory", "")
    assert isinstance(error, InternalError)
    assert str(error).endswith("out of memory")
    assert len(str(error)) < 3000
    assert "it does not say why" in str(given_up("Ray", "a part", "", ""))


def test_an_engine_that_leaves_parts_out_is_found_out(
    fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Lazy(LocalEngine):
        def run(self, task: Any, model: Any, units: Any, watch: Any) -> None:
            super().run(task, model, units[1:], watch)

    monkeypatch.setattr(local, "ENGINE", Lazy())
    write_parquet(tmp_path / "a.parquet", 100)
    options = {"signature": "affine", "rows_per_part": 20}
    with pytest.raises(InternalError, match="1 units of the job are not done"):
        tfnative.score(fake, tmp_path / "a.parquet", tmp_path / "out", **options)
    assert not (tmp_path / "out" / "_SUCCESS").exists()
    monkeypatch.undo()
    done = tfnative.score(fake, tmp_path / "a.parquet", tmp_path / "out", **options)
    assert (done.rows, done.parts, done.parts_before) == (100, 5, 4)
