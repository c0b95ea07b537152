# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Each convolution gets the kernel that takes it, and weights in that kernel's form."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfnative_aot.machines.cpu_levels import X86_LEVELS, VariantKey
from tfnative_aot.program.memory import Allocation, Buffer, Constant, Shape, Slice
from tfnative_aot.program.passes.pack_weights import pack_weights
from tfnative_aot.program.passes.packing import PANEL, pack_filter
from tfnative_aot.program.passes.stored_weights import Weights
from tfnative_aot.program.passes.winograd import pack_winograd
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Convolution, Dot, Matrix, Source
from tfnative_aot.quantize.rounding import rounded

ONE = (1, 1, 1)
IN_INT8 = Weights("s8", in_int8=True, products=frozenset({"conv"}))


def _array(allocation: int, *dims: int) -> Buffer:
    order = tuple(reversed(range(len(dims))))
    return Buffer(Slice(allocation, 0, 4 * math.prod(dims)), Shape("f32", dims, order))


def _convolution(**changes: Any) -> Convolution:
    """One that suits Winograd's algorithm, but for what is changed."""
    fields: dict[str, Any] = {
        "batch": 2,
        "in_channels": 16,
        "out_channels": 17,
        "groups": 1,
        "in_size": (1, 9, 9),
        "out_size": (1, 7, 7),
        "kernel_size": (1, 3, 3),
        "stride": ONE,
        "padding_low": (0, 0, 0),
        "base_dilation": ONE,
        "window_dilation": ONE,
    } | changes
    channels, filters = fields["in_channels"], fields["out_channels"]
    kernel = fields["kernel_size"]
    sizes = kernel if kernel[0] > 1 else kernel[1:]  # As XLA has those of images.
    return Convolution(
        Source("conv", "conv", "Conv2D"),
        "f32",
        **fields,
        lhs=_array(1, fields["batch"], *fields["in_size"], channels),
        rhs=_array(0, *sizes, channels // fields["groups"], filters),
        out=_array(2, fields["batch"], *fields["out_size"], filters),
    )


def _weights(step: Convolution) -> np.ndarray:
    shape = step.rhs.shape.dims
    return np.random.default_rng(3).uniform(0.5, 1, shape).astype(np.float32)


def _packed(
    step: Convolution, filters: np.ndarray, **options: Any
) -> tuple[Program, Any]:
    """The program of a convolution, after the pass, and its only step."""
    constant = Constant(step.rhs.shape, filters.astype(np.float32).tobytes())
    program = Program(
        key=VariantKey(0, 1, X86_LEVELS[0]),
        object_file=Path("unused.o"),
        steps=(step,),
        allocations=(
            Allocation(0, step.rhs.slice.size, "constant"),
            Allocation(1, step.lhs.slice.size, "input", 0),
            Allocation(2, step.out.slice.size, "output", 0),
        ),
        constants={0: constant},
        input_shapes=(step.lhs.shape,),
        output_shapes=(step.out.shape,),
        output_slices=(step.out.slice,),
    )
    made = pack_weights(program, **options)
    (found,) = made.steps
    return made, found


DEPTHWISE: dict[str, Any] = {"groups": 16, "out_channels": 16}
POINTWISE: dict[str, Any] = {"kernel_size": ONE, "out_size": (1, 9, 9)}
DEEP: dict[str, Any] = {"in_size": (3, 9, 9), "out_size": (3, 7, 7)}
KERNELS: list[tuple[str, dict[str, Any]]] = [
    ("winograd", {}),
    ("winograd", {"padding_low": (0, 1, 1), "out_size": (1, 9, 9)}),
    ("winograd", {"in_channels": 272, "out_channels": 272}),
    ("packed", {"in_channels": 320, "out_channels": 320}),  # Too large to transform.
    ("packed", {"in_channels": 15}),
    ("packed", {"out_channels": 15}),
    ("packed", {"out_size": (1, 6, 7)}),
    ("packed", {"groups": 2, "out_channels": 18}),
    ("packed", {"stride": (1, 2, 2), "in_size": (1, 17, 17)}),
    ("packed", {"base_dilation": (1, 2, 2)}),
    ("packed", {"window_dilation": (1, 2, 2), "in_size": (1, 11, 11)}),
    ("packed", {"padding_low": (1, 0, 0), "out_size": (3, 7, 7)}),
    ("packed", DEEP),
    ("packed", {"kernel_size": (1, 1, 3)}),
    ("packed", POINTWISE),
    ("depthwise", DEPTHWISE),
    ("depthwise", DEPTHWISE | {"window_dilation": (1, 2, 2), "in_size": (1, 11, 11)}),
    ("packed", DEPTHWISE | {"out_channels": 32}),
    ("packed", DEPTHWISE | DEEP),
    ("packed", DEPTHWISE | {"base_dilation": (1, 2, 2)}),
    ("packed", DEPTHWISE | {"padding_low": (1, 0, 0), "out_size": (3, 7, 7)}),
    ("packed", DEPTHWISE | {"kernel_size": (3, 3, 3), "in_size": (3, 9, 9)}),
]


@pytest.mark.parametrize(("kernel", "changes"), KERNELS)
def test_the_kernel_is_one_that_takes_the_convolution(
    kernel: str, changes: dict[str, Any]
) -> None:
    step = _convolution(**changes)
    weights = _weights(step)
    made, found = _packed(step, weights)
    assert found.kernel == kernel
    content = made.constants[found.rhs.slice.allocation].data
    if kernel == "winograd":
        assert content == pack_winograd(weights).tobytes()
    elif kernel == "packed":
        assert content == pack_filter(weights, step.groups).tobytes()
    else:
        assert found == replace(step, kernel="depthwise")


@pytest.mark.parametrize("why", ["not allowed", "taps differ", "smaller weights"])
def test_winograd_is_left_out(why: str) -> None:
    step = _convolution()
    weights = _weights(step)
    options: dict[str, Any] = {}
    if why == "not allowed":
        options["winograd"] = False
    elif why == "taps differ":
        weights[0, 0] = 0
    else:
        weights = rounded(weights, "bf16", (0, 1, 2))
        options["weights"] = Weights("bf16")
    _, found = _packed(step, weights, **options)
    assert found.kernel == "packed"
    assert found.rhs.shape.dtype == ("bf16" if why == "smaller weights" else "f32")


def test_weights_that_a_smaller_type_does_not_hold_are_transformed() -> None:
    step = _convolution()
    weights = _weights(step)
    made, found = _packed(step, weights, weights=Weights("bf16"))
    assert found.kernel == "winograd"
    content = made.constants[found.rhs.slice.allocation].data
    assert content == pack_winograd(weights).tobytes()


def _in_int8(changes: dict[str, Any]) -> Any:
    step = _convolution(**changes)
    weights = rounded(_weights(step), "s8", (0, 1, 2))
    return _packed(step, weights, weights=IN_INT8)[1]


def test_a_convolution_of_single_pixels_is_a_product_in_whole_numbers() -> None:
    found = _in_int8(POINTWISE)
    assert isinstance(found, Dot)
    assert found.in_int8
    assert (found.m, found.k, found.n) == (2 * 81, 16, 17)
    assert found.lhs_matrix == Matrix(2 * 81 * 16, 16, 1)
    assert found.out_matrix == Matrix(2 * 81 * 17, 17, 1)
    assert found.rhs.shape.dtype == "u8"
    assert found.scale is None


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel_size": (1, 1, 3)},
        {"stride": (1, 2, 2), "in_size": (1, 17, 17)},
        {"base_dilation": (1, 2, 2), "in_size": (1, 5, 5)},
        {"padding_low": (0, 1, 1)},
        {"out_size": (1, 8, 9)},
        {"groups": 2, "out_channels": 18},
    ],
)
def test_other_convolutions_are_none(changes: dict[str, Any]) -> None:
    found = _in_int8(POINTWISE | changes)
    assert isinstance(found, Convolution)
    assert found.kernel == "packed"
    assert found.rhs.shape.dtype == "s8"
    assert found.scale is not None
    assert found.scale.shape.dims == (found.out_channels + PANEL,)
