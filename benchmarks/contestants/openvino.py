# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, which reads SavedModels, with its latency hint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.arithmetic import FLOAT32, INT8
from benchmarks.contestants import Arrays, Predict, batches, converted


def prepare(
    saved_model: Path, folder: Path, batch_sizes: list[int], precision: str = FLOAT32
) -> Path:
    """Converts to OpenVINO's format."""
    del batch_sizes
    import openvino

    output = converted(saved_model, folder, precision, "xml")
    model = openvino.convert_model(str(saved_model))
    if precision == INT8:
        model = _calibrate(model, saved_model)
    elif precision != FLOAT32:
        model = _quantize(model)
    openvino.save_model(model, str(output), compress_to_fp16=False)
    return output


def _calibrate(model: Any, saved_model: Path) -> Any:
    """Weights per channel, ranges of samples."""
    import nncf

    samples = [
        {_port(model, name).get_any_name(): value for name, value in sample.items()}
        for sample in batches(saved_model)
    ]
    is_transformer = saved_model.name == "transformer"
    return nncf.quantize(
        model,
        nncf.Dataset(samples),
        subset_size=len(samples),
        model_type=nncf.ModelType.TRANSFORMER if is_transformer else None,
    )


def _quantize(model: Any) -> Any:
    """Weights per channel; ranges of groups of what they multiply with at run time."""
    import nncf

    model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM)
    model.set_rt_info("128", ["runtime_options", "DYNAMIC_QUANTIZATION_GROUP_SIZE"])
    return model


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
