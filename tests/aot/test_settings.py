# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked for is refused where it contradicts itself, before a model is read."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from tfnative import CompileOptions, InvalidArgumentError
from tfnative._compile.options import Precision
from tfnative_aot.settings import check

OUTPUT = Path("build/digits")
OTHERS = [name for name in get_args(Precision) if name != "int8"]


def test_int8_takes_calibration_which_some_models_do_without():
    assert check(CompileOptions(precision="int8"), OUTPUT).options.calibration is None
    settings = check(CompileOptions(precision="int8", calibration="x.npz"), OUTPUT)
    assert settings.options.calibration_method == "mse"


@pytest.mark.parametrize("precision", OTHERS)
@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ({"calibration": "x.npz"}, "--calibration is"),
        ({"calibration": {"x": np.ones(3)}}, "--calibration is"),
        ({"calibration_method": "kl"}, "--calibration-method is"),
        ({"calibration_samples": 9}, "--calibration-samples is"),
    ],
    ids=str,
)
def test_no_other_precision_takes_calibration(precision, given, flag):
    said = f"{flag} for --precision int8, not for {precision}"
    with pytest.raises(InvalidArgumentError, match=said):
        check(CompileOptions(precision=precision, **given), OUTPUT)


@pytest.mark.parametrize("precision", OTHERS)
def test_every_other_precision_has_weights_of_its_own(precision):
    assert check(CompileOptions(precision=precision), OUTPUT).weights is not None
