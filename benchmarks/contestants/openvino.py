# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, which reads SavedModels, with 32-bit floats and its latency hint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.contestants import Arrays, Predict


def prepare(saved_model: Path, folder: Path, batch_sizes: list[int]) -> Path:
    """Converts to OpenVINO's format."""
    del batch_sizes
    import openvino

    output = folder / f"{saved_model.name}.xml"
    model = openvino.convert_model(str(saved_model))
    openvino.save_model(model, str(output), compress_to_fp16=False)
    return output


def load(model: Path, threads: int = 1) -> Predict:
    """Compiles for fixed shapes when it is called with them first."""
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
    }
    requests: dict[tuple[Any, ...], Any] = {}

    def request_for(inputs: Arrays) -> Any:
        network = core.read_model(str(model))
        network.reshape({_port(network, k): list(v.shape) for k, v in inputs.items()})
        return core.compile_model(network, "CPU", settings).create_infer_request()

    def predict(inputs: Arrays) -> Arrays:
        key = tuple(value.shape for value in inputs.values())
        if key not in requests:
            requests[key] = request_for(inputs)
        request = requests[key]
        ports = request.model_inputs
        if len(ports) == 1:
            (value,) = inputs.values()
            found = request.infer([value], share_inputs=True)
        else:
            found = request.infer({_port(request, k): v for k, v in inputs.items()})
        return {_name(port): value for port, value in found.items()}

    return predict


def _name(port: Any) -> str:
    return min(port.get_names(), key=len).partition(":")[0]


def _port(of: Any, name: str) -> Any:
    ports = of.inputs if hasattr(of, "inputs") else of.model_inputs
    return next(p for p in ports if any(name in known for known in p.get_names()))
