# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What contestants compute in, and what each of them calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.models import MODELS

FLOAT32, INT8_DYNAMIC, INT8 = "float32", "int8-dynamic", "int8"

SAMPLES = 100
"""How many calibrate the ranges of int8: the same ones for each contestant."""


@dataclass(frozen=True)
class Arithmetic:
    """What all contestants are asked to compute in.

    Attributes:
        peers: Those that can; and what they are asked for, or "" if it needs no words.
        models: What is measured, unless others are asked for.
        tolerance: How far an answer may be from TensorFlow's in float32, in parts of
            the largest value.
        batch_sizes: Rows per call of models that are not asked for 1 and 32.
    """

    peers: Mapping[str, str]
    models: tuple[str, ...]
    tolerance: float
    batch_sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def batch_sizes_of(self, model: str) -> tuple[int, ...]:
        """Rows per call, unless others are asked for."""
        return self.batch_sizes.get(model, (1, 32))


def has_vnni() -> bool:
    """Whether this CPU multiplies in 8 bits without sums that saturate at 16."""
    flags = Path("/proc/cpuinfo").read_text().split()
    return not {"avx512_vnni", "avx_vnni", "asimddp"}.isdisjoint(flags)


_REDUCE_RANGE = f"reduce_range {'off (VNNI)' if has_vnni() else 'on (no VNNI)'}"

ARITHMETICS = {
    FLOAT32: Arithmetic(
        peers=dict.fromkeys(("tensorflow", "xla", "ort", "litert", "openvino"), ""),
        models=tuple(MODELS),
        tolerance=1e-3,
    ),
    INT8_DYNAMIC: Arithmetic(
        peers={
            "ort": "onnxruntime.quantization.quantize_dynamic of MatMul, Gemm, LSTM "
            "and Attention, per channel, " + _REDUCE_RANGE,
            "litert": "tf.lite.Optimize.DEFAULT, dynamic range quantization",
            "openvino": "nncf.compress_weights to INT8_SYM, and dynamic quantization "
            "in groups of 128; products of fewer numbers have 8-bit weights only",
        },
        models=("mlp_large", "mlp_wide", "lstm", "transformer"),
        tolerance=0.1,
    ),
    INT8: Arithmetic(
        peers={
            "ort": "onnxruntime.quantization.quantize_static, QDQ, activations uint8, "
            "weights int8 per channel, products with constants only, ranges from the "
            "least to the largest value, " + _REDUCE_RANGE,
            "litert": "tf.lite.Optimize.DEFAULT with a representative dataset, ops in "
            "8 bits where it has them, inputs and outputs float32",
            "openvino": "nncf.quantize with its defaults, as a transformer if "
            "it is one",
        },
        models=(
            *("mlp_images", "mlp_wide", "cnn", "mobilenet_v2", "resnet50"),
            *("transformer", "lstm"),
        ),
        # The largest value may be clipped: no sample was as large.
        tolerance=0.5,
        batch_sizes=dict.fromkeys(("mobilenet_v2", "resnet50"), (1, 8)),
    ),
}
"""By the names of ``tfnative compile --precision``."""
