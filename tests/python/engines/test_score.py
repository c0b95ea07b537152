# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files of rows, scored by clusters: each row once, whatever dies in between."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

import pyarrow as pa
import pyarrow.parquet

import tfnative
from tests.python.score.files import (
    numbers,
    parts,
    scored,
    write_csv,
    write_parquet,
)
from tfnative import cli
from tfnative.errors import InvalidArgumentError

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(params=["ray", "spark"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    request.getfixturevalue({"ray": "ray_cluster"}.get(name, name))
    return name


def test_every_row_is_scored_once(engine: str, fake: Path, tmp_path: Path):
    write_parquet(tmp_path / "a.parquet", 205)
    write_parquet(tmp_path / "b.parquet", 0)
    write_parquet(tmp_path / "c.parquet", 3, first=205)
    options: dict[str, Any] = {
        "signature": "affine",
        "keep": ["id"],
        "rows_per_part": 20,
    }
    out, local = tmp_path / "out", tmp_path / "local"
    report = tfnative.score(fake, tmp_path / "*.parquet", out, engine=engine, **options)
    assert (report.rows, report.bad_rows, report.files) == (208, 0, 3)
    np.testing.assert_array_equal(scored(out), 2 * numbers(208) + 1)
    # As this machine alone does it, byte for byte; so that either goes on with the
    # other's parts.
    tfnative.score(fake, tmp_path / "*.parquet", local, **options)
    assert [p.name for p in parts(out)] == [p.name for p in parts(local)]
    for one, other in zip(parts(out), parts(local), strict=True):
        assert one.read_bytes() == other.read_bytes()
    parts(out)[3].unlink()
    (out / "_tfnative" / "00000.json").unlink()
    again = tfnative.score(fake, tmp_path / "*.parquet", out, **options)
    assert (again.rows, again.parts_before) == (208, report.parts - 1)


def test_bad_rows_are_listed_or_end_the_job(engine: str, fake: Path, tmp_path: Path):
    write_csv(tmp_path / "a.csv", 40)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    lines[8] = lines[8].replace(lines[8].split(",")[1], "abc")
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    options: dict[str, Any] = {
        "signature": "affine",
        "columns": {"x": "x_*"},
        "keep": ["id"],
        "engine": engine,
    }
    with pytest.raises(InvalidArgumentError, match=r"row 7.*'abc'.*no float32"):
        tfnative.score(fake, tmp_path / "a.csv", tmp_path / "failed", **options)
    assert not parts(tmp_path / "failed")
    report = tfnative.score(
        fake, tmp_path / "a.csv", tmp_path / "out", on_error="skip", **options
    )
    assert (report.rows, report.bad_rows) == (39, 1)


def _workers(word: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if word in command:
            found.append(int(folder.name))
    return found


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(engine: str, fake: Path, tmp_path: Path):
    """The processes that run the tasks die by SIGKILL while parts appear."""
    words = {"ray": "ray::_run", "spark": "CoarseGrainedExecutorBackend"}
    for file in range(4):
        write_parquet(tmp_path / f"{file}.parquet", 3000, first=3000 * file)
    out = tmp_path / "out"
    killed: list[int] = []

    def kill() -> None:
        until = time.monotonic() + 60
        while len(killed) < 2 and time.monotonic() < until:
            if len(parts(out)) > 5 * (len(killed) + 1):
                for process in _workers(words[engine])[:1]:
                    os.kill(process, signal.SIGKILL)
                    killed.append(process)
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    report = tfnative.score(
        fake,
        tmp_path / "*.parquet",
        out,
        signature="affine",
        keep=["id"],
        rows_per_part=100,
        engine=engine,
    )
    killer.join()
    assert killed
    assert (report.rows, report.parts) == (12000, 120)
    whole = pa.parquet.read_table(out)
    assert whole["id"].to_pylist() == list(range(12000))
    np.testing.assert_array_equal(scored(out), 2 * numbers(12000) + 1)


def test_the_command_has_engines(
    engine: str, fake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_parquet(tmp_path / "a.parquet", 5)
    command = ["score", "--model", str(fake), "--signature", "affine"]
    command += ["--input", str(tmp_path / "a.parquet"), "--engine", engine]
    assert cli.main([*command, "--output", str(tmp_path / "out")]) == 0
    assert "5 rows in 1 parts" in capsys.readouterr().out
