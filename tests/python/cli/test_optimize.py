# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative optimize` shows what each step did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Export
from tests.models import ZOO
from tfnative import cli
from tfnative._cli import optimize
from tfnative._optimize.catalog import CATALOG


def run(*arguments: Any) -> int:
    return cli.main(["optimize", *map(str, arguments)])


def test_list_shows_every_transform_with_its_parameters(
    capsys: pytest.CaptureFixture[str],
):
    assert run("--list") == 0
    shown = capsys.readouterr().out
    for kind in CATALOG.values():
        assert f"\n{kind.name}" in f"\n{shown}"
        for parameter in kind.parameters:
            assert f"      {parameter}: " in shown
    assert run("--list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in listed] == list(CATALOG)


def test_a_command_without_a_model_is_not_understood(
    capsys: pytest.CaptureFixture[str],
):
    assert run() == 2
    assert "it needs a model" in capsys.readouterr().err
    assert run("model", "-o", "out", "--transforms", "fold_constant") == 2
    assert "Did you mean fold_constants" in capsys.readouterr().err


def test_the_table_has_a_row_for_each_step(
    export: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("tensorflow", reason="optimizing needs TensorFlow")
    model, small = export(ZOO["digits_cnn"]), tmp_path / "small"
    steps = "fold_constants fold_batch_norms round_weights(num_steps=2)"
    options = ["-o", small, "--transforms", steps, "--signature", "serving_default"]
    assert run(model, *options) == 0
    lines = capsys.readouterr().out.splitlines()
    header, *rows = [line.split() for line in lines[:5]]
    assert header == ["step", "nodes", "bytes", "gzipped", "ms", "error", "top-1"]
    assert [row[0] for row in rows] == ["freeze", *steps.split()]
    assert rows[3][-2:] == ["left", "out"]
    assert lines[5].startswith("round_weights(num_steps=2): was left out: the error is")
    assert lines[-1].startswith(f"{small}: ")
    assert run(model, *options, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["steps"][1]["transform"] == "fold_constants"
    assert content["output"] == str(small)
    assert run(model, *options, "--strict") == 1
    assert "round_weights(num_steps=2) breaks" in capsys.readouterr().err


@pytest.mark.parametrize("size", [3, 44, 45, 500])
def test_long_steps_keep_their_names_in_the_table(size: int):
    step = f"set_device(device=/{'a' * size})"
    shown = optimize._shortened(step)
    assert len(shown) <= 44
    assert step.startswith(shown.removesuffix("..."))
    assert shown.startswith("set_device(")
    assert (shown == step) == (len(step) <= 44)
