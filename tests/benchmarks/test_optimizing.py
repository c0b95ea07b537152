# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of optimizing are those of a model that stayed the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import optimizing


def test_a_row_tells_what_was_before_and_after(tmp_path: Path):
    pytest.importorskip("tensorflow", reason="needs TensorFlow")
    cells = optimizing.row("conv2d_even", str(tmp_path), None).strip("| ").split(" | ")
    assert cells[0] == "conv2d_even"
    for cell in cells[1:3]:
        before, after = (int(number.replace(",", "")) for number in cell.split(" > "))
        assert after < before
    assert float(cells[5]) < 1e-5


def test_a_model_that_is_not_the_same_is_no_row(tmp_path: Path):
    pytest.importorskip("tensorflow", reason="needs TensorFlow")
    with pytest.raises(RuntimeError, match=r"round_weights.* is allowed"):
        optimizing.row("mlp", str(tmp_path), "round_weights(num_steps=2)")
