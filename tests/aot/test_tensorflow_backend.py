# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's library runs every model of the zoo, compiled or refused.

But for those that only `make test-models` runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.models import LEFT_OUT, ZOO, ModelCase, large_ones_slow
from tfnative_aot.load.load_model import load_model

Export = Callable[[ModelCase], Path]

# A frozen GraphDef is no SavedModel.
CASES = [
    case for case in ZOO.values() if not case.graph_inputs and case.name not in LEFT_OUT
]
# The library runs Grappler as TensorFlow does, the compiler's reference does not. Where
# the processor multiplies narrow floats, a bias that Grappler fuses into the product
# saves one rounding of two: these are compared with TensorFlow's own run, bit by bit.
NARROW = [case for case in CASES if case.name.endswith("float16")]
WIDE = [case for case in CASES if case not in NARROW]


@pytest.mark.parametrize("case", large_ones_slow(WIDE), ids=str)
def test_gives_what_tensorflow_gives(
    case: ModelCase, export: Export, tmp_path: Path
) -> None:
    # Python that a model calls is in the process that has exported it.
    calls_python = any("PyFunc" in op for op in case.refused_ops)
    path = case.export(tmp_path) if calls_python else export(case)
    try:
        reference = load_model(path)
    except tfnative.Error as error:
        with pytest.raises(tfnative.Error):
            tfnative.load(path, backend="tensorflow")
        pytest.skip(f"it cannot be loaded in Python either: {error}")
    rng = np.random.default_rng(9)
    with tfnative.load(path, backend="tensorflow") as model:
        assert model.backend == "tensorflow"
        assert case.signature in model.signatures
        for rows in (1, 3) if case.has_batch else (1,):
            inputs = _inputs(case, model, rows, rng)
            expected = reference.run(case.signature, inputs)
            got = model.predict(inputs, signature=case.signature)
            assert got.keys() == expected.keys()
            for name, value in expected.items():
                assert got[name].dtype == value.dtype, name
                if value.dtype == object:
                    assert got[name].tolist() == value.tolist()
                else:
                    np.testing.assert_allclose(got[name], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", NARROW, ids=str)
def test_narrow_floats_are_rounded_where_tensorflow_rounds_them(
    case: ModelCase, export: Export
) -> None:
    import tensorflow as tf

    path = export(case)
    reference = tf.saved_model.load(str(path)).signatures[case.signature]
    rng = np.random.default_rng(9)
    with tfnative.load(path, backend="tensorflow") as model:
        inputs = _inputs(case, model, 3, rng)
        got = model.predict(inputs, signature=case.signature)
        expected = reference(**{k: tf.constant(v) for k, v in inputs.items()})
        for name, value in expected.items():
            np.testing.assert_array_equal(got[name], value.numpy())


def _inputs(
    case: ModelCase, model: tfnative.Model, rows: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    # Refused models are given anything elsewhere.
    specs = model.signature(case.signature).inputs
    given = case.inputs(rows, rng).items()
    return {name: value.astype(specs[name].dtype) for name, value in given}
