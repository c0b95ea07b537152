# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batches without rows, outputs without a batch, and that every output is written."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.fidelity import edges
from tests.fidelity.edges import ROWS, SIGNATURES, Arrays, inputs_of, rows_of
from tests.models import COMPILED, ModelCase
from tests.turns import Once
from tfnative import InvalidArgumentError, Model

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="TensorFlow, which is the oracle, is not installed",
)

Export = Callable[[ModelCase], Path]
Compile = Callable[..., Path]

QUICK = frozenset("mlp digits_cnn cond sort pad_and_slice".split())
RUNS = [(s, rows) for s in SIGNATURES for rows in rows_of(s)]


@pytest.fixture(scope="module")
def model(once: Once) -> Iterator[Model]:
    """The model, compiled and loaded."""
    with tfnative.load(edges.build(once)) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def reference(once: Once) -> Callable[[str, Arrays], Arrays]:
    """TensorFlow itself. Raises what it raises."""
    from tfnative_aot.load.load_model import load_model

    loaded = load_model(edges.save(once))
    return lambda signature, feeds: dict(loaded.run(signature, feeds))


def expect_same(found: Arrays, expected: Arrays) -> None:
    """Holds if results are the same, with rounding alone between them."""
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].shape == array.shape, name
        np.testing.assert_allclose(found[name], array, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(("signature", "rows"), RUNS)
def test_any_number_of_rows_gives_what_tensorflow_gives(
    model: Model, reference: Any, signature: str, rows: int
) -> None:
    feeds = inputs_of(signature, rows)
    expect_same(model.predict(feeds, signature=signature), reference(signature, feeds))


def test_an_empty_batch_is_refused_as_tensorflow_refuses_it(
    model: Model, reference: Any
) -> None:
    feeds = inputs_of("best", 0)
    with pytest.raises(Exception, match="Reduction axis 0 is empty") as refused:
        reference("best", feeds)
    assert type(refused.value).__name__ == "InvalidArgumentError"
    with pytest.raises(InvalidArgumentError) as caught:
        model.predict(feeds, signature="best")
    said = str(caught.value)
    assert said.startswith(
        "model 'edges', signature 'best': TensorFlow refuses an empty batch: Reduction"
    )
    assert "\n" not in said
    assert "{{" not in said


def test_what_depends_on_more_than_the_rows_is_refused_for_none(model: Model) -> None:
    with pytest.raises(InvalidArgumentError, match="rows influence each other"):
        model.predict(inputs_of("mixed_sum", 0), signature="mixed_sum")


@pytest.mark.parametrize(("signature", "rows"), RUNS)
def test_every_byte_of_every_output_is_written(
    model: Model, signature: str, rows: int
) -> None:
    feeds = inputs_of(signature, rows)
    shapes = model.predict(feeds, signature=signature)

    def run(poison: int) -> dict[str, bytes]:
        out = {name: filled(array, poison) for name, array in shapes.items()}
        model.predict(feeds, signature=signature, out=out)
        return {name: array.tobytes() for name, array in out.items()}

    assert run(0xA5) == run(0x5A) == {n: a.tobytes() for n, a in shapes.items()}


def filled(like: np.ndarray[Any, Any], poison: int) -> np.ndarray[Any, Any]:
    """Memory for such an array, with ``poison`` in each byte."""
    array = np.empty_like(like)
    array.reshape(-1).view(np.uint8)[:] = poison
    return array


def test_a_batcher_gives_what_the_model_gives(model: Model) -> None:
    with tfnative.Batcher(model, signature="doubled") as batcher:
        for rows in ROWS[:-1]:
            feeds = inputs_of("doubled", rows)
            expect_same(batcher.predict(feeds), {"y": 2 * feeds["x"]})


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_batcher_refuses_no_rows_as_the_model_does(
    model: Model, wrapped: bool
) -> None:
    source = tfnative.Fallback([model, model]) if wrapped else model
    with tfnative.Batcher(source, signature="picky") as batcher:
        batcher.predict(inputs_of("picky", 2))
        for predict in (batcher.predict, lambda feeds: batcher.submit(feeds).result()):
            with pytest.raises(InvalidArgumentError, match="refuses an empty batch"):
                predict(inputs_of("picky", 0))


def quick_or_slow(case: ModelCase) -> Any:
    marks = () if case.name in QUICK else pytest.mark.slow
    return pytest.param(case, marks=marks)


@pytest.fixture(scope="module")
def plain_tensorflow() -> Iterator[Executor]:
    """A process with TensorFlow's own kernels.

    Those of oneDNN give the convolution of an empty batch the channels of its input.
    """
    variable = pytest.MonkeyPatch()
    variable.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        pool.submit(abs, 0).result()  # It has started, with the variable.
        variable.undo()
        yield pool


def answer(
    source: Path, signature: str, feeds: Arrays, *tensors: Mapping[str, str] | None
) -> Arrays | str:
    """TensorFlow's outputs, or what it raises, in words."""
    from tfnative_aot.load.load_model import load_model

    inputs, outputs = tensors
    reference = load_model(source, inputs=inputs, outputs=outputs)
    try:
        return dict(reference.run(signature, feeds))
    except Exception as error:  # Whatever TensorFlow raises.
        return str(error)


ALL = os.environ.get("TFNATIVE_ALL_MODELS", "") == "1"
WITH_ROWS = [c for c in COMPILED if c.has_batch and (ALL or "large" not in c.tags)]
# The others take two minutes: `make test-models`.
SHOWN = [c for i, c in enumerate(WITH_ROWS) if ALL or c.name in QUICK or i % 2 == 0]


@pytest.mark.parametrize("case", [quick_or_slow(c) for c in SHOWN], ids=str)
def test_no_rows_of_a_model_give_what_tensorflow_gives(
    case: ModelCase, export: Export, compiled: Compile, plain_tensorflow: Executor
) -> None:
    artifact = compiled(case, "model", **case.options())
    feeds = case.inputs(0, np.random.default_rng(7))
    with tfnative.load(artifact) as model:
        signature = next(iter(model.signatures))
        expected = plain_tensorflow.submit(
            answer,
            export(case),
            signature,
            feeds,
            case.graph_inputs,
            case.graph_outputs,
        ).result()
        if isinstance(expected, str):
            with pytest.raises(InvalidArgumentError, match="refuses an empty batch"):
                model.predict(feeds, signature=signature)
        else:
            expect_same(model.predict(feeds, signature=signature), expected)
