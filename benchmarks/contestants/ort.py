# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime, through tf2onnx."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.arithmetic import FLOAT32, INT8, has_vnni
from benchmarks.contestants import Arrays, Predict, batches, converted


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
    quantized = converted(saved_model, folder, precision, "onnx")
    if precision == INT8:
        return _calibrate(output, quantized, saved_model)
    return _quantize(output, quantized)


def _calibrate(model: Path, output: Path, saved_model: Path) -> Path:
    """Weights per channel, ranges of samples."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    simpler = output.with_suffix(".simpler.onnx")
    quant_pre_process(str(model), str(simpler), skip_symbolic_shape=True)
    quantize_static(
        simpler,
        output,
        _Samples(saved_model, _by_short_names(onnx.load(simpler).graph.input)),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=not has_vnni(),
        extra_options={"MatMulConstBOnly": True},
    )
    return output


class _Samples:
    """Gives samples one by one, as ONNX Runtime's calibration asks for them."""

    def __init__(self, saved_model: Path, names: dict[str, str]) -> None:
        self._batches = batches(saved_model)
        self._names = names

    def get_next(self) -> Arrays | None:
        """The next sample, or None if there are no more."""
        sample = next(self._batches, None)
        return sample and {self._names[k]: v for k, v in sample.items()}


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
    names = _by_short_names(session.get_inputs())
    outputs = [node.name.partition(":")[0] for node in session.get_outputs()]

    def predict(inputs: Arrays) -> Arrays:
        found = session.run(None, {names[k]: v for k, v in inputs.items()})
        return dict(zip(outputs, found, strict=True))

    return predict


def _by_short_names(nodes: Iterable[Any]) -> dict[str, str]:
    return {node.name.partition(":")[0]: node.name for node in nodes}
