# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Every way to score files gives the same rows, and its rate is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow")

import pyarrow.parquet as pq

from benchmarks.scoring.__main__ import main
from benchmarks.scoring.ways import WAYS, Job


@pytest.mark.slow
def test_ways_give_the_same_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "scoring.json"
    command = ["--models", "wide_deep", "--rows", "5000", "--rounds", "1"]
    command += ["--ways", "score", "--json", str(path), "--folder", str(tmp_path)]
    assert main([*command, "--threads", "1"]) == 0
    predict, score = json.loads(path.read_text())["results"]
    assert (predict["way"], predict["to_predict"]) == ("predict", 1.0)
    assert (score["rows"], score["model"]) == (5000, "wide_deep")
    assert score["rows_per_second"] > 0
    assert "of predict" in capsys.readouterr().out

    compiled, rows = tmp_path / "wide_deep_scoring", tmp_path / "wide_deep_rows"
    ours, loop = tmp_path / "wide_deep_scored", tmp_path / "loop"
    WAYS["loop"](Job(compiled, compiled, rows, loop, 1))
    one, other = (pq.read_table(each).sort_by("id") for each in (ours, loop))
    assert one["id"].to_pylist() == list(range(5000))
    values = [each[1].combine_chunks().flatten().to_numpy() for each in (one, other)]
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["--models", "lenet"], "no model lenet; there are mlp, cnn, wide_deep"),
        (["--ways", "dask"], "no way dask; installed are score"),
    ],
)
def test_what_there_is_not_is_said(
    command: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit):
        main(command)
    assert said in capsys.readouterr().err
