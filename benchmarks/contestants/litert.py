# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""LiteRT, TensorFlow Lite before: the converter of TensorFlow, XNNPACK at run time."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.arithmetic import FLOAT32, INT8
from benchmarks.contestants import Arrays, Predict, batches, converted

ANY = "any.tflite"


def prepare(
    saved_model: Path, folder: Path, batch_sizes: list[int], precision: str = FLOAT32
) -> Path:
    """Converts to a flat buffer.

    Or to one per batch size, where its converter needs to know the sizes of all arrays,
    as it does for loops that collect what their steps return.
    """
    output = converted(saved_model, folder, precision, "litert")
    output.mkdir(exist_ok=True)
    try:
        (output / ANY).write_bytes(_convert(saved_model, precision, saved_model, 1))
    except Exception:  # Of the converter, which does not document what it raises.
        if saved_model.name not in models.MODELS:
            raise
        for rows in batch_sizes:
            with tempfile.TemporaryDirectory() as fixed:
                _export_for(rows, saved_model.name, fixed)
                content = _convert(Path(fixed), precision, saved_model, rows)
                (output / f"{rows}.tflite").write_bytes(content)
    return output


def _convert(path: Path, precision: str, saved_model: Path, rows: int) -> bytes:
    """Converts ``path``, which is ``saved_model`` for so many rows."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(path))
    if precision != FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == INT8:
        converter.representative_dataset = lambda: (
            ("serving_default", sample) for sample in batches(saved_model, rows)
        )
    content: bytes = converter.convert()
    return content


def _export_for(rows: int, name: str, folder: str) -> None:
    """Traces a Keras model once more: loops in a SavedModel keep unknown sizes.

    Frozen, since variables that a loop reads are not found at run time.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    model = models.build(name)
    specs = {
        x.name: tf.TensorSpec((rows, *x.shape[1:]), x.dtype, name=x.name)
        for x in model.inputs
    }

    def serve(**tensors: Any) -> dict[str, Any]:
        only, *others = tensors.values()
        return {"output_0": model(tensors if others else only)}

    traced = tf.function(serve, autograph=False).get_concrete_function(**specs)
    frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)
    tf.saved_model.save(tf.Module(), folder, signatures=frozen)


def load(model: Path, threads: int = 1) -> Predict:
    """Loads ``serving_default``; tensors are set and read by index, as is fastest."""
    from ai_edge_litert.interpreter import Interpreter

    loaded: dict[int, Predict] = {}

    def predict(inputs: Arrays) -> Arrays:
        rows = len(next(iter(inputs.values())))
        if rows not in loaded:
            fixed = model / f"{rows}.tflite"
            path = str(fixed if fixed.is_file() else model / ANY)
            interpreter = Interpreter(model_path=path, num_threads=threads)
            loaded[rows] = _for_shapes(interpreter, inputs)
        return loaded[rows](inputs)

    return predict


def _for_shapes(interpreter: Any, like: Arrays) -> Predict:
    runner = interpreter.get_signature_runner("serving_default")
    inputs_at = {k: v["index"] for k, v in runner.get_input_details().items()}
    outputs_at = {k: v["index"] for k, v in runner.get_output_details().items()}
    del runner  # Or there are two owners, and resizing is refused.
    for name, value in like.items():
        interpreter.resize_tensor_input(inputs_at[name], value.shape)
    interpreter.allocate_tensors()

    def predict(inputs: Arrays) -> Arrays:
        for name, value in inputs.items():
            interpreter.set_tensor(inputs_at[name], value)
        interpreter.invoke()
        return {name: interpreter.get_tensor(at) for name, at in outputs_at.items()}

    return predict
