# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""LiteRT, TensorFlow Lite before: the converter of TensorFlow, XNNPACK at run time."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contestants import Arrays, Predict


def prepare(saved_model: Path, folder: Path, batch_sizes: list[int]) -> Path:
    """Converts to a flat buffer with 32-bit floats."""
    del batch_sizes
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    output = folder / f"{saved_model.name}.tflite"
    output.write_bytes(converter.convert())
    return output


def load(model: Path, threads: int = 1) -> Predict:
    """Loads ``serving_default``; tensors are set and read by index, as is fastest."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(model), num_threads=threads)
    runner = interpreter.get_signature_runner("serving_default")
    inputs_at = {k: v["index"] for k, v in runner.get_input_details().items()}
    outputs_at = {k: v["index"] for k, v in runner.get_output_details().items()}
    shapes: dict[str, tuple[int, ...]] = {}

    def predict(inputs: Arrays) -> Arrays:
        if any(shapes.get(name) != value.shape for name, value in inputs.items()):
            for name, value in inputs.items():
                interpreter.resize_tensor_input(inputs_at[name], value.shape)
                shapes[name] = value.shape
            interpreter.allocate_tensors()
        for name, value in inputs.items():
            interpreter.set_tensor(inputs_at[name], value)
        interpreter.invoke()
        return {name: interpreter.get_tensor(at) for name, at in outputs_at.items()}

    return predict
