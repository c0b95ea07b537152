# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime, through tf2onnx."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.arithmetic import FLOAT32, has_vnni
from benchmarks.contestants import Arrays, Predict, converted


def prepare(
    saved_model: Path, folder: Path, batch_sizes: list[int], precision: str = FLOAT32
) -> Path:
    """Converts to ONNX."""
    del batch_sizes
    output = converted(saved_model, folder, FLOAT32, "onnx")
    command = [sys.executable, "-m", "tf2onnx.convert", "--opset", "18"]
    command += ["--saved-model", str(saved_model), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    if precision == FLOAT32:
        return output
    return _quantize(output, converted(saved_model, folder, precision, "onnx"))


def _quantize(model: Path, output: Path) -> Path:
    """Weights per channel; ranges of what they are multiplied with at run time."""
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(
        model,
        output,
        op_types_to_quantize=["MatMul", "Gemm", "LSTM", "Attention"],
        per_channel=True,
        reduce_range=not has_vnni(),
    )
    return output


def load(model: Path, threads: int = 1) -> Predict:
    """Loads the model for the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(model), options, providers=["CPUExecutionProvider"]
    )
    names = {node.name.partition(":")[0]: node.name for node in session.get_inputs()}
    outputs = [node.name.partition(":")[0] for node in session.get_outputs()]

    def predict(inputs: Arrays) -> Arrays:
        found = session.run(None, {names[k]: v for k, v in inputs.items()})
        return dict(zip(outputs, found, strict=True))

    return predict
