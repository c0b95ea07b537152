# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs that are fixed are no inputs any more, wherever the compiler looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models.saving import function_save, module_save
from tfnative.errors import InvalidArgumentError
from tfnative_aot.load.constants import fix_inputs, value_for
from tfnative_aot.load.load_model import load_model
from tfnative_aot.load.source import TensorSpec

X = np.float32([[1, 2, 3], [4, 5, 6]])


def spec(dtype: str, *shape: int | None) -> TensorSpec:
    return TensorSpec("n", "n:0", dtype, shape)


@pytest.mark.parametrize(
    ("of", "value"),
    [
        (spec("bool"), False),
        (spec("int64"), 3),
        (spec("uint8", None), (1, 2)),
        (spec("float32"), 1),
        (spec("float32", 2, 1), ((0.5,), (1.5,))),
        (spec("bfloat16"), 0.5),
        (spec("string"), "words"),
        (spec("string", 2), ("a", "b")),
        (TensorSpec("n", "n:0", "int32", None), ((1, 2),)),
    ],
    ids=str,
)
def test_values_become_arrays_of_the_inputs_type(of: TensorSpec, value: Any) -> None:
    array = value_for(of, value)
    assert array.dtype.name == ("object" if of.dtype == "string" else of.dtype)
    assert array.tolist() == np.asarray(value).tolist()


@pytest.mark.parametrize(
    ("of", "value"),
    [
        (spec("bool"), 1),
        (spec("int32"), True),
        (spec("int32"), 2.5),
        (spec("int32"), "2"),
        (spec("uint8"), 300),
        (spec("uint8"), -1),
        (spec("float32"), 1e39),
        (spec("string"), 3),
        (spec("int32", 2), 3),
        (spec("int32", 2), (1, 2, 3)),
        (spec("int32", 2), ((1, 2),)),
        (spec("float32", None), ((1,), (2, 3))),
        (spec("complex128"), "i"),
        (spec("resource"), 1),
    ],
    ids=str,
)
def test_values_that_do_not_fit_are_refused(of: TensorSpec, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="--constant n: expected "):
        value_for(of, value)


def scaled(x: Any, factor: Any, negate: Any) -> dict[str, Any]:
    import tensorflow as tf

    return {"y": tf.cond(negate, lambda: -x, lambda: x) * factor}


def save(path: Path) -> Path:
    inputs = {
        "x": ((None, 3), "float32"),
        "factor": ((), "float32"),
        "negate": ((), "bool"),
    }
    return function_save(scaled, **inputs)(path)


def test_a_fixed_input_is_gone_from_signature_graph_and_reference(
    tmp_path: Path,
) -> None:
    model = load_model(save(tmp_path / "m"))
    constants = {"factor": 2, "negate": True}
    fixed = fix_inputs(model, constants, ["serving_default"])
    signature = fixed.signature("serving_default")
    assert [each.name for each in signature.inputs] == ["x"]
    graph = fixed.source.graph(signature)
    assert list(graph.inputs) == ["x"]
    ops = [node.op for node in graph.graph_def.node]
    assert (ops.count("Placeholder"), ops.count("Const")) == (1, 2)
    assert fixed.run("serving_default", {"x": X})["y"].tolist() == (-2 * X).tolist()


@pytest.mark.parametrize("others", [{}, {"factor": 2}])
def test_the_node_of_an_input_is_no_name_of_it(others: Any, tmp_path: Path) -> None:
    model = load_model(save(tmp_path / "m"))
    with pytest.raises(
        InvalidArgumentError,
        match=r"given for 'serving_default_factor', but the signatures .* have the "
        "inputs 'factor', 'negate', 'x'",
    ):
        fix_inputs(model, {"serving_default_factor": 2, **others}, ["serving_default"])


def two_signatures() -> tuple[Any, Any]:
    import tensorflow as tf

    module = tf.Module()
    x, n = tf.TensorSpec([None, 3], tf.float32, "x"), tf.TensorSpec([], tf.int32, "n")
    module.with_n = tf.function(lambda x, n: {"y": tf.tile(x, [1, n])})
    module.without = tf.function(lambda x: {"y": x})
    return module, {
        "with_n": module.with_n.get_concrete_function(x, n),
        "without": module.without.get_concrete_function(x),
    }


def test_a_constant_is_for_the_signatures_that_have_the_input(tmp_path: Path) -> None:
    model = load_model(module_save(two_signatures)(tmp_path / "m"))
    both = fix_inputs(model, {"n": 2}, ["with_n", "without"])
    assert both.run("with_n", {"x": X})["y"].shape == (2, 6)
    assert both.run("without", {"x": X})["y"].shape == (2, 3)
    with pytest.raises(InvalidArgumentError, match="given for 'with_n_n', but"):
        fix_inputs(model, {"with_n_n": 2}, ["without"])
    # One that is not compiled stays as it is.
    other = fix_inputs(model, {"n": 2}, ["with_n"])
    assert other.signature("without") == model.signature("without")
    with pytest.raises(
        InvalidArgumentError, match="given for 'n', but the signatures 'without' have"
    ):
        fix_inputs(model, {"n": 2}, ["without"])
