# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Every architecture, once trained, is compiled, and gives what it gave before.

``test_examples.py`` does so with two models each time.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.training.cluster.clusters import only_all
from training.export import check
from training.fit import FitOptions, fit
from training.models import NAMES

pytestmark = pytest.mark.slow
STEPS = 30
DATA = {
    "mlp": "diabetes",
    "cnn": "digits",
    "mobilenet_v2": "digits",
    "resnet": "digits",
    "lstm": "text",
    "transformer": "text",
    "wide_deep": "breast_cancer",
    "keyword": "words",
    "autoencoder": "digits",
    "two_tower": "ratings",
}
NEEDS_ESPEAK = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="needs espeak-ng"
)


def test_the_table_has_every_model():
    assert set(DATA) == set(NAMES)


@only_all
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=NEEDS_ESPEAK if DATA[name] == "words" else [])
        for name in NAMES
    ],
)
def test_a_trained_model_is_compiled_and_as_good(
    name: str, data_root: Path, tmp_path: Path
):
    saved_model = tmp_path / name
    fitted = fit(
        FitOptions(
            model=name,
            data=DATA[name],
            data_folder=str(data_root / DATA[name]),
            steps=STEPS,
            output=saved_model,
            verbose=0,
        )
    )
    found = check(saved_model, tmp_path / "compiled", batch_sizes=[8])
    assert found.metric == fitted.metric
    assert found.rows == fitted.rows
    # A row between two classes may fall to either side.
    one_row = 1 / found.rows if found.metric == "accuracy" else 0.0
    for expected in (fitted.held_out, found.tensorflow):
        within = expected * 1e-5 + one_row
        assert found.compiled == pytest.approx(expected, rel=0, abs=within)
    largest = np.abs(_outputs(saved_model)).max()
    assert found.largest_difference <= 2e-5 * max(1.0, largest)
    examples = {"classify", "regress"} & {each.signature for each in found.signatures}
    assert bool(examples) == (name != "autoencoder")
    for each in found.signatures:
        assert each.rows == fitted.rows
        assert each.largest_difference < 1e-4 * max(1.0, largest)
        if each.signature in examples:
            within = found.tensorflow * 1e-5 + one_row
            assert each.tensorflow == pytest.approx(found.tensorflow, abs=within)
            assert each.compiled == pytest.approx(found.compiled, abs=within)


def _outputs(saved_model: Path) -> np.ndarray:
    """What TensorFlow gives for rows that are kept beside the model."""
    model = tfnative.load(saved_model, backend="tensorflow")
    with np.load(saved_model.with_name(f"{saved_model.name}_golden.npz")) as golden:
        (output,) = model.predict(dict(golden)).values()
    return output
