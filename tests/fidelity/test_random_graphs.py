# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Random models answer as TensorFlow does, or with an error, at any number of rows."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from numpy.typing import NDArray

import tfnative
from tests.fidelity.random_graphs.model import (
    Arrays,
    RandomModel,
    batch,
    odd_batch,
    random_models,
)

EXAMPLES = int(os.environ.get("TFNATIVE_RANDOM_GRAPHS", "10"))
SIZES = (1, 4)
ROWS = (0, 1, 2, 4, 7, 33)

pytestmark = pytest.mark.slow


class _Tally:
    """How many models were compiled, and batches compared."""

    def __init__(self) -> None:
        self.models: Counter[str] = Counter()
        self.batches: Counter[str] = Counter()


@pytest.fixture(scope="module")
def tally() -> Iterator[_Tally]:
    found = _Tally()
    yield found
    print(f"models: {dict(found.models)}; batches: {dict(found.batches)}")
    # Refusals alone would show nothing.
    assert found.models["compiled"] >= found.models.total() / 2
    assert found.batches["equal"] >= found.batches.total() / 3


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(model=random_models())
def test_a_random_model_answers_as_tensorflow_or_refuses(
    model: RandomModel, tally: _Tally
) -> None:
    with TemporaryDirectory() as folder:
        reference = _Reference(model, Path(folder, "model"))
        artifact = _compiled(Path(folder))
        tally.models["compiled" if artifact else "refused"] += 1
        if artifact is None:
            return
        with tfnative.load(artifact) as native:
            for rows in ROWS:
                for inputs in _batches(rows, odd=model.takes_odd_numbers):
                    note(f"inputs: {inputs}")
                    tally.batches[_compare(model, native, reference, inputs)] += 1


def _compiled(folder: Path) -> Path | None:
    """None if it is refused, which a model that differs is not."""
    try:
        return tfnative.compile(
            folder / "model",
            folder / "artifact",
            name="random",
            batch_sizes=SIZES,
            cpus=["native"],
        )
    except tfnative.CompileError as error:
        message = str(error)
    note(f"refused: {message}")
    assert "Traceback" not in message
    assert "differs from TensorFlow" not in message
    return None


def _batches(rows: int, *, odd: bool) -> Iterator[Arrays]:
    yield batch(rows, seed=rows)
    if odd and rows > 0:
        yield odd_batch(rows, seed=rows)


class _Reference:
    """A model in TensorFlow, as it was written: without optimizers."""

    def __init__(self, model: RandomModel, path: Path) -> None:
        """Saves it, too."""
        import tensorflow as tf

        module = tf.Module()
        module.f = tf.function(
            model,
            autograph=False,
            input_signature=[
                tf.TensorSpec([None, *array.shape[1:]], array.dtype, name=name)
                for name, array in batch(1, 0).items()
            ],
        )
        tf.saved_model.save(module, str(path), signatures=module.f)
        self._function = module.f.get_concrete_function()

    def __call__(self, inputs: Arrays) -> Arrays | Exception:
        """Its outputs, or whatever it raises."""
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
        arguments = {name: tf.constant(array) for name, array in inputs.items()}
        try:
            outputs = self._function(**arguments)
        except Exception as error:  # Of any type.
            return error
        return {name: self._array(name, outputs[name]) for name in outputs}

    def _array(self, name: str, tensor: Any) -> NDArray[Any]:
        """Without rows, TensorFlow's convolutions give another width than they say."""
        array: NDArray[Any] = tensor.numpy()
        if array.size > 0:
            return array
        declared = self._function.structured_outputs[name].shape
        return array.reshape([size or 0 for size in declared])


def _compare(
    model: RandomModel, native: tfnative.Model, reference: _Reference, inputs: Arrays
) -> str:
    """What came of a batch. Fails if the two differ."""
    rows = len(inputs["x"])
    expected = reference(inputs)
    try:
        found = native.predict(inputs)
    except tfnative.InvalidArgumentError as error:
        problem = error
    else:
        assert not isinstance(expected, Exception), expected
        for number in model.outputs:
            name, exact = f"y{number}", model.values[number].exact
            _same(found[name], expected[name], exact)
        return "equal"
    if isinstance(expected, Exception):
        return "refused by both"
    assert rows not in SIZES, problem
    assert not native.signature().rows_independent, problem
    return "of another size"


def _same(found: NDArray[Any], expected: NDArray[Any], exact: bool) -> None:
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    if exact or expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
        return
    finite = np.abs(expected[np.isfinite(expected)])
    scale = float(np.max(finite, initial=1.0))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * scale)
