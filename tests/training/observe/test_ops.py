# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ops that run one by one give what the model gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.cli.main import main
from training.cli.ops import describe
from training.data import open_data
from training.errors import DataError, TrainingError
from training.models import NAMES, build_model, check_fits
from training.observe.ops import step_through

WITH_LOOPS = ("lstm",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("digits")


@pytest.mark.parametrize("name", NAMES)
def test_the_last_op_gives_what_the_model_gives(name: str, folder: Path) -> None:
    data = open_data("digits", folder)
    try:
        check_fits(name, data)
    except DataError as error:
        pytest.skip(f"digits are not for this model: {error}")
    model = build_model(name, data)
    rows = {key: array[:2] for key, array in data.held_out()[0].items()}
    if name in WITH_LOOPS:
        with pytest.raises(TrainingError, match="belongs to a loop"):
            list(step_through(model, rows))
        return
    ops = list(step_through(model, rows))
    known: set[str] = set()
    for op in ops:
        assert set(op.inputs) <= known
        known |= {f"{op.name}:{place}" for place in range(len(op.outputs))}
    expected = np.asarray(model(rows, training=False))
    np.testing.assert_allclose(ops[-1].outputs[0], expected, rtol=1e-4, atol=1e-6)


def test_the_command_prints_each(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["ops", "--model", "mlp", "--data-folder", str(folder)]
    assert main([*asked, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-2]["type"] == "Softmax"
    assert main(asked) == 0
    shown = capsys.readouterr().out
    assert f"Softmax {lines[-2]['name']}\n    reads {lines[-2]['inputs'][0]}" in shown


def test_what_is_not_finite_is_counted() -> None:
    array = np.array([1.0, np.nan, -np.inf, 3.0])
    assert describe(array) == "float64 (4,), 1 to 3, 2 not finite"
    assert describe(np.array([b"a"], object)) == "object (1,)"
    assert describe(np.zeros((0, 2), np.int32)) == "int32 (0, 2)"
