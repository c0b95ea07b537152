# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow refuses while it runs, compiled code refuses, in the same words."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.aot.checks.run_checked import tensorflow_says
from tests.fidelity.checked_ops import CASES, MODEL, inputs_of
from tfnative_aot.checks.rules import RULES
from tfnative_aot.load.load_model import load_model

BAD = [(name, wrong) for name, case in CASES.items() for wrong in case.bad]
PAGE = Path(__file__).parents[2] / "docs/fidelity.md"
GOOD = MODEL.inputs(1, np.random.default_rng(0))


def test_every_op_that_is_checked_is_provoked():
    assert {op for case in CASES.values() for op in case.ops} == set(RULES)


def test_the_page_lists_every_op_that_is_checked():
    table = PAGE.read_text().partition("<!-- checks: begin -->")[2]
    rows = table.partition("<!-- checks: end -->")[0].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| `")]
    assert sorted(op for c in cells for op in re.findall(r"`(\w+)`", c)) == sorted(
        RULES
    )


@pytest.fixture(scope="module")
def model(export):
    return load_model(export(MODEL))


@pytest.fixture(scope="module")
def native(compiled):
    options = {"cpus": ["native"], "static": False, "golden": GOOD}
    return tfnative.load(compiled(MODEL, "checked_ops", **options))


@pytest.mark.slow
def test_what_tensorflow_takes_is_not_refused(model, native):
    outputs = native.predict(GOOD)
    for name, value in model.run("serving_default", GOOD).items():
        np.testing.assert_allclose(outputs[name], value, rtol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "wrong"), BAD)
def test_what_tensorflow_refuses_is_refused_in_its_words(model, native, name, wrong):
    inputs = GOOD | inputs_of(name, CASES[name].bad[wrong])
    expected = tensorflow_says(model, inputs)
    assert expected
    with pytest.raises(tfnative.InvalidArgumentError) as refusal:
        native.predict(inputs)
    if CASES[name].same_text:
        assert f": {expected} (node " in str(refusal.value)
    native.predict(GOOD)
