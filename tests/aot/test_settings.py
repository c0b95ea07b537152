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
CALIBRATED = ("int8", "auto")
OTHERS = [name for name in get_args(Precision) if name not in CALIBRATED]


def test_int8_takes_calibration_which_some_models_do_without():
    assert check(CompileOptions(precision="int8"), OUTPUT).options.calibration is None


def test_auto_needs_calibration():
    said = "--precision auto needs .* pass some with --calibration"
    with pytest.raises(InvalidArgumentError, match=said):
        check(CompileOptions(precision="auto"), OUTPUT)


@pytest.mark.parametrize("precision", CALIBRATED)
def test_int8_and_auto_take_calibration(precision):
    settings = check(CompileOptions(precision=precision, calibration="x.npz"), OUTPUT)
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
    said = f"{flag} for --precision int8 and auto, not for {precision}"
    with pytest.raises(InvalidArgumentError, match=said):
        check(CompileOptions(precision=precision, **given), OUTPUT)


@pytest.mark.parametrize("precision", OTHERS)
def test_every_other_precision_has_weights_of_its_own(precision):
    assert check(CompileOptions(precision=precision), OUTPUT).weights is not None


@pytest.mark.parametrize("precision", [*OTHERS, "int8"])
@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ({"labels": "y.npy"}, "--labels is"),
        ({"labels": np.zeros(3, int)}, "--labels is"),
        ({"labels_output": "scores"}, "--labels-output is"),
        ({"max_accuracy_drop": 2}, "--max-accuracy-drop is"),
        ({"min_signal_to_noise": 20}, "--min-signal-to-noise is"),
        ({"precision_report": "x.svg"}, "--precision-report is"),
    ],
    ids=str,
)
def test_no_other_precision_takes_a_budget(precision, given, flag):
    options = CompileOptions(precision=precision, calibration="x.npz", **given)
    with pytest.raises(InvalidArgumentError, match=f"{flag} for --precision auto, not"):
        check(options, OUTPUT)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_accuracy_drop": 2}, "--max-accuracy-drop needs to know which answers"),
        ({"labels_output": "y"}, "--labels-output needs to know which answers"),
        (
            {"labels": "y.npy", "min_signal_to_noise": 20},
            "--min-signal-to-noise is for samples without labels",
        ),
    ],
    ids=str,
)
def test_a_budget_is_of_accuracy_with_labels_and_of_errors_without(given, said):
    with pytest.raises(InvalidArgumentError, match=said):
        check(CompileOptions(precision="auto", calibration="x.npz", **given), OUTPUT)
