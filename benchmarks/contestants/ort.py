# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime, through tf2onnx."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.contestants import Arrays, Predict


def prepare(saved_model: Path, folder: Path, batch_sizes: list[int]) -> Path:
    """Converts to ONNX."""
    del batch_sizes
    output = folder / f"{saved_model.name}.onnx"
    command = [sys.executable, "-m", "tf2onnx.convert", "--opset", "18"]
    command += ["--saved-model", str(saved_model), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
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
