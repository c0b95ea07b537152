# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Half precision learns as well as float32."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.cluster.clusters import only_all
from training.fit import FitOptions, fit
from training.options import PRECISIONS

SEEDS = (1, 2, 3, 4, 5)
HALF_A_POINT = 0.005


@pytest.mark.slow
@only_all
@pytest.mark.parametrize("model", ["cnn", "mlp"])
def test_half_precision_is_as_right_as_float32(model: str, data_root: Path):
    def accuracy(precision: str) -> float:
        """Over all seeds, of the 360 held-out rows of each."""
        found = [
            fit(
                FitOptions(
                    model=model,
                    precision=precision,
                    seed=seed,
                    data_folder=str(data_root / "digits"),
                    verbose=0,
                )
            ).held_out
            for seed in SEEDS
        ]
        return sum(found) / len(found)

    whole, *halves = map(accuracy, PRECISIONS)
    assert whole > 0.97
    for half in halves:
        assert half == pytest.approx(whole, abs=HALF_A_POINT)
