# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A compiled model refuses what TensorFlow refuses, in the same words."""

from __future__ import annotations

import numpy as np
import pytest

import tfnative
from tests.aot.checks.run_checked import tensorflow_says
from tests.fidelity.checked_ops import CASES, MODEL, inputs_of
from tfnative_aot.load.load_model import load_model

BAD = [(name, wrong) for name, case in CASES.items() for wrong in case.bad]


def good() -> dict[str, object]:
    return MODEL.inputs(1, np.random.default_rng(0))


@pytest.fixture(scope="module")
def reference(export):
    return load_model(export(MODEL))


@pytest.fixture(scope="module", params=[True, False], ids=["checked", "unchecked"])
def model(compiled, request):
    name = "checked" if request.param else "unchecked"
    options = {"cpus": ["native"], "checks": request.param, "golden": good()}
    artifact = compiled(MODEL, name, **options)
    with tfnative.load(artifact) as loaded:
        yield loaded


@pytest.mark.slow
def test_what_tensorflow_takes_no_check_refuses(reference, model):
    found = model.predict(good())
    for name, value in reference.run("serving_default", good()).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "wrong"), BAD)
def test_what_tensorflow_refuses_is_refused_in_its_words(reference, model, name, wrong):
    inputs = good() | inputs_of(name, CASES[name].bad[wrong])
    if not model.manifest.options.get("checks", True):
        model.predict(inputs)  # Some result or other, but no error.
        return
    expected = tensorflow_says(reference, inputs)
    with pytest.raises(tfnative.InvalidArgumentError) as caught:
        model.predict(inputs)
    said = str(caught.value)
    assert said.startswith("model 'checked', signature 'serving_default': ")
    assert " (node '" in said
    if CASES[name].same_text:
        assert f": {expected} (node '" in said
