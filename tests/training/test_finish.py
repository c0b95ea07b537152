# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model that has learned nothing has no accuracy, and is not exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.begin import compile_model
from training.data import open_data
from training.errors import TrainingError
from training.finish import finish
from training.models import build_model
from training.options import FitOptions

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["digits", "diabetes"])
def test_what_is_not_finite_is_no_result(name: str, data_root: Path, tmp_path: Path):
    import keras

    options = FitOptions(model="mlp", data=name, output=tmp_path / "model")
    data = open_data(name, data_root / name)
    model = build_model("mlp", data, keras=keras, seed=1)
    compile_model(model, options, data, 1, keras)
    model.set_weights([weights * np.nan for weights in model.get_weights()])
    with pytest.raises(TrainingError, match=r"for (\d+) of \1 held-out rows is not"):
        finish(model, options, data, keras, steps=1, first_step=0, seconds=1.0)
    assert not list(tmp_path.iterdir())
