# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow refuses while it runs, compiled code refuses, in the same words."""

from __future__ import annotations

import numpy as np
import pytest

from tests.aot.checks.run_checked import checked, runner, tensorflow_says
from tests.fidelity.checked_ops import CASES, MODEL, inputs_of
from tfnative_aot.checks.rules import RULES
from tfnative_aot.load.load_model import load_model

BAD = [(name, wrong) for name, case in CASES.items() for wrong in case.bad]


def good() -> dict[str, object]:
    return MODEL.inputs(1, np.random.default_rng(0))


def test_every_op_that_is_checked_is_provoked():
    assert {op for case in CASES.values() for op in case.ops} == set(RULES)


@pytest.fixture(scope="module")
def model(export):
    return load_model(export(MODEL))


@pytest.fixture(scope="module")
def run(model):
    return runner(checked(model))


def test_what_tensorflow_takes_no_check_refuses(model, run):
    outputs, message = run(good())
    assert message == ""
    expected = model.run("serving_default", good())
    for name, value in expected.items():
        np.testing.assert_allclose(outputs[name], value, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize(("name", "wrong"), BAD)
def test_what_tensorflow_refuses_a_check_refuses_in_its_words(model, run, name, wrong):
    inputs = good() | inputs_of(name, CASES[name].bad[wrong])
    expected = tensorflow_says(model, inputs)
    assert expected
    _, message = run(inputs)
    if CASES[name].same_text:
        assert message == expected
    else:
        assert message
