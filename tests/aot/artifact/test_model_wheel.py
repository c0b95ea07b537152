# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models with heads work as wheels, which need TensorFlow only if the head does."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models import heads, split
from tests.python.wheel.wheel_files import install, run_python
from tfnative._wheel.description import caller_inputs

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pip") is None, reason="needs pip"
)

# Prints nothing: what it predicts is pickled.
CODE = """
import pickle, sys
import {package} as package
with open("inputs.pickle", "rb") as file:
    inputs = pickle.load(file)
with open("outputs.pickle", "wb") as file:
    pickle.dump(package.predict(inputs), file)
assert package.selftest().passed
assert "tensorflow" not in sys.modules
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    sources = {
        "reviews": split.reviews(folder / "sources" / "reviews" / "1"),
        "passengers": heads.passengers(folder / "sources" / "passengers"),
    }
    options: dict[str, Any] = {"signatures": ["serving_default"], "cpus": ["native"]}
    return {
        name: tfnative.compile(source, folder / name, **options)
        for name, source in sources.items()
    }


def check_installed(artifact: Path, inputs: Any, folder: Path) -> tfnative.Wheel:
    """Predicts with a wheel of the artifact, in a process that has nothing else."""
    package = f"{artifact.name}_model"
    wheel = tfnative.make_wheel(artifact, folder, name=package)
    site = folder / "site"
    install(site, wheel.path)
    (site / "inputs.pickle").write_bytes(pickle.dumps(inputs))
    run_python(site, "-c", CODE.format(package=package))
    outputs = pickle.loads((site / "outputs.pickle").read_bytes())
    with tfnative.load(artifact) as model:
        expected = model.predict(inputs)
        (signature,) = model.signatures.values()
        described = caller_inputs(model.manifest.signatures[signature.name])
    assert {each.name: each.shape for each in described} == {
        spec.name: spec.shape for spec in signature.inputs.values()
    }
    assert outputs.keys() == expected.keys()
    for name, array in expected.items():
        assert outputs[name].tobytes() == array.tobytes()
    return wheel


def test_a_head_that_tensorflow_runs_travels_along(models, tmp_path):
    rng = np.random.default_rng(1)
    inputs = {"words": split.random_words(5, rng)}
    inputs["weights"] = rng.random((5, 5)).astype(np.float32)
    wheel = check_installed(models["reviews"], inputs, tmp_path)
    assert "tensorflow>=2.16" in wheel.requires


def test_messages_are_parsed_without_tensorflow(models, tmp_path):
    messages = heads.random_messages(5, np.random.default_rng(1))
    wheel = check_installed(models["passengers"], {"examples": messages}, tmp_path)
    assert not any("tensorflow" in each for each in wheel.requires)
