# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Operands that XLA has to know: constants, sizes of shapes, and inputs of the model.

Constants and what follows from shapes compile. What is an input is refused by the name
of the node, and compiles when --constant fixes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models.saving import function_save
from tests.turns import Once

pytestmark = pytest.mark.slow  # Many small compilations.

ROWS, WIDTH = 4, 6
X = np.random.default_rng(5).standard_normal((ROWS, WIDTH)).astype(np.float32)
Tensors = dict[str, Any]


def _image(x: Any) -> Any:
    import tensorflow as tf

    return tf.reshape(x, [-1, 2, 3, 1])


def _filters() -> Any:
    import tensorflow as tf

    return tf.ones([2, 2, 2, 1])


def _two(name: str) -> Any:
    import tensorflow as tf

    return tf if name == "tf" else getattr(tf, name)


def _count(x: Any, n: Any) -> Any:
    import tensorflow as tf

    whole = tf.cast(tf.abs(x) * 2, tf.int32)
    return tf.math.bincount(whole, minlength=n, maxlength=n, axis=-1)


# Each of x and a 2, whichever way that comes about: op, name of the operand, function.
OPERANDS: dict[str, tuple[str, str, Callable[[Any, Any], Any]]] = {
    "tile": ("Tile", "multiples", lambda x, n: _two("tf").tile(x, [1, n])),
    "broadcast_to": (
        "BroadcastTo",
        "shape",
        lambda x, n: _two("tf").broadcast_to(x[:, None], [_rows(x), n, WIDTH]),
    ),
    "batch_to_space": (
        "BatchToSpaceND",
        "block_shape",
        lambda x, n: _two("tf").batch_to_space(
            _two("tf").tile(_image(x), [2, 1, 1, 1]), [1, n], [[0, 0], [0, 0]]
        ),
    ),
    "space_to_batch": (
        "SpaceToBatchND",
        "block_shape",
        lambda x, n: _two("tf").space_to_batch(_image(x), [n, 1], [[0, 0], [0, 0]]),
    ),
    "pad": ("Pad", "paddings", lambda x, n: _two("tf").pad(x, [[0, 0], [0, n]])),
    "expand_dims": (
        "ExpandDims",
        "dim",
        lambda x, n: _two("tf").expand_dims(x, n - 1),
    ),
    "eye": ("Fill", "dims", lambda x, n: x[:, :2] @ _two("tf").eye(n)),
    "reshape": ("Reshape", "shape", lambda x, n: _two("tf").reshape(x, [-1, n])),
    "sum": (
        "Sum",
        "reduction_indices",
        lambda x, n: _two("tf").reduce_sum(x, n - 1),
    ),
    "one_hot": (
        "OneHot",
        "depth",
        lambda x, n: _two("tf").one_hot(_two("tf").cast(x, "int32"), n),
    ),
    "transposed_convolution": (
        "Conv2DBackpropInput",
        "input_sizes",
        lambda x, n: _two("nn").conv2d_transpose(
            _image(x), _filters(), [_rows(x), n * 2, 6, 2], 2
        ),
    ),
    "bincount": ("DenseBincount", "size", _count),
}


def _rows(x: Any) -> Any:
    import tensorflow as tf

    return tf.shape(x)[0]


def _all(n: Callable[[Any], Any]) -> Callable[[Any], Tensors]:
    def function(x: Any) -> Tensors:
        return {name: of(x, n(x)) for name, (_, _, of) in OPERANDS.items()}

    return function


def _constant(x: Any) -> Any:
    del x
    return 2


def _from_shape(x: Any) -> Any:
    import tensorflow as tf

    return tf.shape(x)[1] // 3


def _counted_in_a_loop(x: Any) -> Any:
    import tensorflow as tf

    return tf.while_loop(
        lambda n: n * 3 < tf.shape(x)[1], lambda n: [n + 1], [tf.constant(0)]
    )[0]


def check(source: Path, folder: Path, feeds: Mapping[str, Any], **options: Any) -> None:
    """Compiles, and compares all outputs with TensorFlow's."""
    import tensorflow as tf

    artifact = tfnative.compile(
        source, folder, batch_sizes=[ROWS], cpus=["native"], **options
    )
    expected = tf.saved_model.load(str(source)).signatures["serving_default"](**feeds)
    with tfnative.load(artifact) as model:
        got = model.predict({"x": X})
        assert list(model.signatures["serving_default"].inputs) == ["x"]
    got = got if isinstance(got, dict) else {"y": got}
    assert got.keys() == expected.keys()
    for name, output in expected.items():
        np.testing.assert_allclose(got[name], output.numpy(), 1e-5, 1e-5, err_msg=name)


@pytest.mark.parametrize("form", [_constant, _from_shape, _counted_in_a_loop])
def test_what_is_constant_or_follows_from_shapes_compiles(
    form: Callable[[Any], Any], tmp_path: Path
) -> None:
    save = function_save(_all(form), x=((None, WIDTH), "float32"))
    check(save(tmp_path / "m"), tmp_path / "a", {"x": X})


def with_input(name: str) -> Callable[[Path], Path]:
    of = OPERANDS[name][2]

    def function(x: Any, n: Any) -> Tensors:
        return {"y": of(x, n)}

    return function_save(function, x=((None, WIDTH), "float32"), n=((), "int32"))


@pytest.mark.parametrize("name", OPERANDS)
def test_what_is_an_input_is_refused_by_node_with_the_flag_that_helps(
    name: str, once: Once, tmp_path: Path
) -> None:
    source = once(f"operands/{name}", with_input(name))
    with pytest.raises(tfnative.CompileError) as caught:
        tfnative.compile(source, tmp_path / "a", batch_sizes=[ROWS], cpus=["native"])
    op, operand, _ = OPERANDS[name]
    message = str(caught.value)
    assert caught.value.ops == (op,)
    assert re.search(rf"^  \S+ \({op}\): its operand '{operand}' has", message, re.M)
    assert "comes from the input 'n'; fix that with --constant n=VALUE" in message
    assert "Traceback" not in message
    assert not re.search(r"^\s*[IWEF]\d{4} ", message, re.M)


def test_all_operands_that_are_inputs_are_refused_at_once(tmp_path: Path) -> None:
    import tensorflow as tf

    def function(x: Any, n: Any, m: Any) -> Tensors:
        wide = tf.tile(x, [1, n])
        return {"y": tf.pad(wide, [[0, 0], [0, m]]), "z": tf.expand_dims(x, n)}

    scalar = ((), "int32")
    save = function_save(function, x=((None, WIDTH), "float32"), n=scalar, m=scalar)
    with pytest.raises(tfnative.CompileError, match="because of 3 nodes") as caught:
        tfnative.compile(save(tmp_path / "m"), tmp_path / "a", cpus=["native"])
    assert sorted(caught.value.ops) == ["ExpandDims", "Pad", "Tile"]
    message = str(caught.value)
    assert re.search(r"\(Tile\): .*--constant n=VALUE$", message, re.M)
    assert re.search(r"\(Pad\): .*--constant m=VALUE$", message, re.M)


def test_an_input_that_is_fixed_is_a_constant(tmp_path: Path) -> None:
    def function(x: Any, n: Any) -> Tensors:
        return {name: of(x, n) for name, (_, _, of) in OPERANDS.items()}

    save = function_save(function, x=((None, WIDTH), "float32"), n=((), "int32"))
    feeds = {"x": X, "n": np.int32(2)}
    check(save(tmp_path / "m"), tmp_path / "a", feeds, constants={"n": 2})


def in_a_loop(x: Any, n: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.map_fn(lambda row: tf.reduce_sum(tf.tile(row, [n])), x)}


def from_data(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.tile(x, [1, tf.cast(tf.reduce_max(x), tf.int32)])}


def changing(x: Any) -> Tensors:
    import tensorflow as tf

    def step(n: Any, y: Any) -> Any:
        return n + 1, y + tf.reduce_sum(tf.tile(x, [1, n]))

    return {"y": tf.while_loop(lambda n, _: n < 3, step, [1, x])[1]}


def size_of_result(x: Any, n: Any) -> Tensors:
    return {"y": x[:, :n]}


@pytest.mark.parametrize(
    ("function", "inputs", "problem"),
    [
        (in_a_loop, {"n": ((), "int32")}, r"/map/while/Tile \(Tile\): .*constant n=V"),
        (from_data, {}, r"\(Tile\): .* is computed from the values of the input 'x'"),
        (changing, {}, r"/while/Tile \(Tile\): .* changes in a loop; unroll the loop"),
        (size_of_result, {"n": ((), "int32")}, r"\(StridedSlice\): .*constant n=V"),
    ],
)
def test_other_origins_are_told_apart(
    function: Any, inputs: Any, problem: str, tmp_path: Path
) -> None:
    save = function_save(function, x=((None, WIDTH), "float32"), **inputs)
    with pytest.raises(tfnative.CompileError, match=problem) as caught:
        tfnative.compile(save(tmp_path / "m"), tmp_path / "a", cpus=["native"])
    assert "Traceback" not in str(caught.value)
