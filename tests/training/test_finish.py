# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model that has learned nothing has no accuracy, and is not exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.begin import compile_model
from training.data import open_data
from training.errors import TrainingError
from training.export.metric import measure_output
from training.finish import classes_without_rows, finish
from training.models import build_model
from training.options import FitOptions, Fitted

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


def test_labels_without_room_in_float32_are_named(data_root: Path):
    import keras

    options = FitOptions(model="mlp", data="diabetes")
    data = open_data("diabetes", data_root / "diabetes")
    data = replace(data, index=replace(data.index, scale=(1e18, 3e16)))
    model = build_model("mlp", data, keras=keras, seed=1)
    model.set_weights([weights * np.nan for weights in model.get_weights()])
    with pytest.raises(TrainingError, match=r"as large as 1e\+18, to another scale"):
        finish(model, options, data, keras, steps=1, first_step=0, seconds=1.0)


def test_a_mean_of_large_errors_is_not_infinite():
    labels = np.full(64, 2e38, np.float32)
    found = measure_output("value", np.zeros((64, 1), np.float32), {}, labels)
    assert found == ("mean absolute error", pytest.approx(2e38))


def test_a_summary_names_the_classes_that_no_held_out_row_is_of(data_root: Path):
    data = open_data("digits", data_root / "digits")
    assert classes_without_rows(data, np.arange(10)) == ()
    missing = classes_without_rows(data, np.array([0, 1, 1, 9]))
    assert missing == tuple("two three four five six seven eight".split())
    fitted = Fitted(None, "accuracy", 1.0, 4, 9, 0, 1.0, not_measured=missing)
    assert "no held-out row is of two, three, four," in fitted.summary()
    assert "no held-out row" not in replace(fitted, not_measured=()).summary()
