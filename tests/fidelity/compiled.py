# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Functions of arrays, compiled, and in TensorFlow without its optimizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import tfnative
from tests.turns import Once
from tfnative_aot import adapters

Arrays = Mapping[str, NDArray[Any]]


def both(
    once: Once, key: str, function: Callable[..., Mapping[str, Any]], inputs: Arrays
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """What the compiled function answers, and what TensorFlow does.

    Args:
        once: Compiles at most once.
        key: A name for the model.
        function: Takes tensors of the shapes of ``inputs``, in their order.
        inputs: By name. All dimensions are fixed.
    """
    specs = [tf.TensorSpec(x.shape, x.dtype, name) for name, x in inputs.items()]
    traced = tf.function(function, input_signature=specs, autograph=False)

    def make(folder: Path) -> Path:
        module = tf.Module()
        module.f = traced
        tf.saved_model.save(module, str(folder / "model"), signatures=traced)
        return tfnative.compile(folder / "model", folder / "it", cpus=["native"])

    path = once(key, make)
    with adapters.tf().without_optimizers():
        wanted = traced(*(tf.constant(x) for x in inputs.values()))
    with tfnative.load(path) as model:
        found = model.predict(dict(inputs))
    return dict(found), {name: each.numpy() for name, each in wanted.items()}


def with_rows(
    folder: Path,
    function: Callable[[Any], Any],
    row_shape: Sequence[int],
    **options: Any,
) -> Path:
    """A function of any number of rows, saved and compiled.

    Args:
        folder: For both.
        function: Takes the tensor ``x``, and gives ``y``. May be a layer.
        row_shape: Of a row of ``x``, which is float32.
        options: Of ``tfnative.compile``.
    """
    module = tf.Module()
    module.own = function  # Its variables, if it is a layer.
    specs = [tf.TensorSpec((None, *row_shape), tf.float32, "x")]
    module.f = tf.function(lambda x: {"y": function(x)}, input_signature=specs)
    tf.saved_model.save(module, str(folder / "model"), signatures=module.f)
    return tfnative.compile(folder / "model", folder / "it", cpus=["native"], **options)


def differing(
    found: NDArray[Any], wanted: NDArray[Any], relative: float, absolute: float = 0.0
) -> NDArray[np.bool_]:
    """Where two arrays differ. Every NaN is the same, no number is zero but zero."""
    a, b = (np.stack([np.real(x), np.imag(x)]) for x in (found, wanted))
    with np.errstate(invalid="ignore"):  # Of NaN in bfloat16.
        a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(a - b) <= relative * np.abs(b) + absolute
    near &= np.isfinite(a) & np.isfinite(b) & (((a == 0) == (b == 0)) | (absolute > 0))
    return np.asarray(~((a == b) | (np.isnan(a) & np.isnan(b)) | near).all(0))
