# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""For each op that TensorFlow checks while it runs: what it takes and what it does not.

All are one model, with inputs and outputs of their own for each, so that one input can
be bad alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fidelity import checked_functions as functions
from tests.fidelity.checked_case import (
    GOOD_MATRIX,
    SINGULAR,
    TABLE,
    Arrays,
    Checked,
    float32,
    int32,
    int64,
)
from tests.models.case import ModelCase
from tests.models.saving import module_save

CASES: dict[str, Checked] = {
    "gather": Checked(
        ("GatherV2",),
        functions.gather,
        (TABLE, int32([[0, 1], [2, 3]])),
        {
            "beyond": (TABLE, int32([[0, 1], [2, 9]])),
            "negative": (TABLE, int32([[0, -1], [2, 3]])),
        },
    ),
    "gather_scalar": Checked(
        ("GatherV2",),
        functions.gather,
        (TABLE, int64(3)),
        {"negative": (TABLE, int64(-1))},
    ),
    "gather_columns": Checked(
        ("GatherV2",),
        functions.columns,
        (TABLE, int64([0, 2])),
        {"beyond": (TABLE, int64([0, 2**40]))},
    ),
    "gather_small_numbers": Checked(
        ("GatherV2",),
        functions.gather,
        (TABLE, np.array([0, 3], np.int16)),
        {"negative": (TABLE, np.array([0, -300], np.int16))},
    ),
    "gather_of_each_row": Checked(
        ("GatherV2",),
        functions.of_each_row,
        (TABLE, int32([[0, 1], [2, 1], [0, 0], [1, 1]])),
        {"beyond": (TABLE, int32([[0, 1], [2, 1], [0, 3], [1, 1]]))},
    ),
    "gather_old": Checked(
        ("Gather",),
        lambda params, indices: functions.raw("Gather")(params=params, indices=indices),
        (TABLE, int32([0, 3])),
        {"beyond": (TABLE, int32([0, 4]))},
    ),
    "gather_nd": Checked(
        ("GatherNd",),
        functions.gather_nd,
        (TABLE, int32([[[0, 1]], [[2, 2]]])),
        {
            "beyond": (TABLE, int32([[[0, 1]], [[2, 3]]])),
            "negative": (TABLE, int32([[[0, -1]], [[2, 2]]])),
        },
    ),
    "gather_nd_row": Checked(
        ("GatherNd",),
        functions.gather_nd,
        (TABLE, int64([1])),
        {"beyond": (TABLE, int64([4]))},
    ),
    "scatter_nd": Checked(
        ("ScatterNd",),
        functions.scatter_nd,
        (int32([[0], [3]]), float32([1, 2])),
        {"beyond": (int32([[0], [9]]), float32([1, 2]))},
    ),
    **{
        f"scatter_{kind.lower()}": functions.tensor_scatter(kind)
        for kind in ("Add", "Max", "Min", "Sub", "Update")
    },
    **{
        f"segment_{kind.lower()}": functions.segment(kind)
        for kind in ("Max", "Min", "Prod", "Sum")
    },
    "labels": Checked(
        ("SparseSoftmaxCrossEntropyWithLogits",),
        functions.labels,
        (TABLE, int32([0, 1, 2, 2])),
        {
            "beyond": (TABLE, int32([0, 1, 3, 2])),
            "negative": (TABLE, int32([0, -1, 2, 2])),
        },
        same_text=False,
    ),
    "sparse_to_dense": Checked(
        ("SparseToDense",),
        functions.sparse_to_dense(validate=True),
        (int64([[0, 1], [2, 3]]), float32([1, 2])),
        {
            "beyond": (int64([[0, 1], [2, 9]]), float32([1, 2])),
            "order": (int64([[2, 1], [0, 3]]), float32([1, 2])),
            "twice": (int64([[0, 3], [0, 3]]), float32([1, 2])),
        },
    ),
    "sparse_to_dense_any_order": Checked(
        ("SparseToDense",),
        functions.sparse_to_dense(validate=False),
        (int64([[2, 1], [0, 3]]), float32([1, 2])),
        {"beyond": (int64([[2, 1], [0, 9]]), float32([1, 2]))},
    ),
    "permutation": Checked(
        ("InvertPermutation",),
        lambda x: functions.raw("InvertPermutation")(x=x),
        (int32([0, 2, 1, 3]),),
        {"beyond": (int32([0, 2, 1, 7]),), "twice": (int32([0, 2, 2, 1]),)},
    ),
    "strided_slice": Checked(
        ("StridedSlice",),
        functions.strided,
        (TABLE.reshape(2, 2, 3), int32([1, -1])),
        {
            "beyond": (TABLE.reshape(2, 2, 3), int32([3, 0])),
            "negative": (TABLE.reshape(2, 2, 3), int32([-3, 0])),
            "last": (TABLE.reshape(2, 2, 3), int32([0, 3])),
        },
    ),
    "slice": Checked(
        ("Slice",),
        functions.slice_,
        (TABLE, int32([3, 1])),
        {
            "negative": (TABLE, int32([-1, 0])),
            "begin": (TABLE, int32([5, 0])),
            "size": (TABLE, int32([1, 2])),
        },
    ),
    "list_get": Checked(
        ("TensorListGetItem",),
        functions.list_get,
        (TABLE, int32(3)),
        {"beyond": (TABLE, int32(4)), "negative": (TABLE, int32(-1))},
    ),
    "list_set": Checked(
        ("TensorListSetItem",),
        functions.list_set,
        (TABLE, int32(3)),
        {"at": (TABLE, int32(4))},
    ),
    "list_gather": Checked(
        ("TensorListGather",),
        functions.list_gather,
        (TABLE, int32([0, 3])),
        {"beyond": (TABLE, int32([0, 4]))},
    ),
    "array_read": Checked(
        ("TensorArrayReadV3",),
        functions.array_read,
        (TABLE, int32(3)),
        {"beyond": (TABLE, int32(4))},
    ),
    "array_gather": Checked(
        ("TensorArrayGatherV3",),
        functions.array_gather,
        (TABLE, int32([3, 0])),
        {"beyond": (TABLE, int32([3, 4]))},
    ),
    "array_write": Checked(
        ("TensorArrayWriteV3",),
        functions.array_write,
        (TABLE, int32(1)),
        {"beyond": (TABLE, int32(4))},
        same_text=False,
    ),
    "array_scatter": Checked(
        ("TensorArrayScatterV3",),
        functions.array_scatter,
        (TABLE, int32([1, 2])),
        {"beyond": (TABLE, int32([1, 4]))},
    ),
    **{
        f"{op.lower()}_{dtype.__name__}": functions.binary(op, dtype)
        for op, dtype in (
            ("Div", np.int32),
            ("FloorDiv", np.int32),
            ("FloorDiv", np.int64),
            ("FloorDiv", np.uint8),
            ("FloorMod", np.int32),
            ("FloorMod", np.int8),
            ("Mod", np.int64),
            ("TruncateDiv", np.int32),
            ("TruncateMod", np.int32),
        )
    },
    "power": Checked(
        ("Pow",),
        functions.power,
        (int32([2, 3]), int32([2, 0])),
        {"negative": (int32([2, 3]), int32([2, -1]))},
    ),
    "assert": Checked(
        ("Assert",),
        functions.assert_,
        (float32([[1, 2], [3, 4]]),),
        {"negative": (float32([[-1.1, 0.1], [1e5, np.nan]]),)},
    ),
    "assert_less": Checked(
        ("Assert",),
        functions.asserted(
            functions.debugging("assert_less", 5.0, message="x is too large")
        ),
        (float32([[1, 2, 3], [1, 2, 3]]),),
        {"large": (float32([[1, 2, 3], [7, 2, 3]]),)},
    ),
    "assert_equal": Checked(
        ("Assert",),
        functions.asserted(functions.debugging("assert_equal", int32([1, 2, 3]))),
        (int32([1, 2, 3]),),
        {"other": (int32([1, 5, 3]),)},
    ),
    "assert_positive": Checked(
        ("Assert",),
        functions.asserted(functions.debugging("assert_positive", summarize=1)),
        (float32(3),),
        {"negative": (float32(-0.1),)},
    ),
    "numerics": functions.numerics("CheckNumerics"),
    "numerics_v2": functions.numerics("CheckNumericsV2"),
    "inverse": Checked(
        ("MatrixInverse",),
        functions.inverse,
        (np.stack([GOOD_MATRIX, GOOD_MATRIX]),),
        {
            "singular": (np.stack([GOOD_MATRIX, SINGULAR]),),
            "nan": (np.stack([GOOD_MATRIX * np.nan, GOOD_MATRIX]),),
        },
    ),
    "solve": Checked(
        ("MatrixSolve",),
        functions.solve,
        (GOOD_MATRIX, float32([[1], [2]])),
        {"singular": (SINGULAR, float32([[1], [2]]))},
    ),
    "eigenvalues": Checked(
        ("SelfAdjointEigV2",),
        functions.eigenvalues,
        (GOOD_MATRIX,),
        {"nan": (float32([[4, 1], [np.nan, 3]]),)},
    ),
    "reverse": Checked(
        ("ReverseSequence",),
        functions.reverse,
        (TABLE, int32([0, 1, 2, 3])),
        {
            "beyond": (TABLE, int32([0, 1, 4, 3])),
            "negative": (TABLE, int32([0, -1, 2, 3])),
        },
    ),
    "bincount": Checked(
        ("Bincount",),
        functions.count("Bincount", "arr"),
        (int32([1, 2, 9]),),
        {"negative": (int32([1, -2, 9]),)},
    ),
    "dense_bincount": Checked(
        ("DenseBincount",),
        functions.count("DenseBincount", "input"),
        (int32([1, 2, 9]),),
        {"negative": (int32([1, -2, 9]),)},
    ),
    "dense_bincount_rows": Checked(
        ("DenseBincount",),
        functions.count("DenseBincount", "input"),
        (int32([[1, 2], [3, 4]]),),
        {"negative": (int32([[1, 2], [-3, 4]]),)},
    ),
    "band": Checked(
        ("MatrixBandPart",),
        functions.band,
        (TABLE, int64(4), int64(-9)),
        {"lower": (TABLE, int64(5), int64(1)), "upper": (TABLE, int64(0), int64(4))},
    ),
    "draw": Checked(
        ("StatelessRandomUniformInt",),
        functions.draw,
        (int32(3), int32(5)),
        {"none": (int32(5), int32(5))},
    ),
    "draw_v2": Checked(
        ("StatelessRandomUniformIntV2",),
        functions.draw_v2,
        (int64(3), int64(5)),
        {"none": (int64(5), int64(-5))},
    ),
    "quantize_v2": functions.quantize("QuantizeAndDequantizeV2"),
    "quantize_v3": functions.quantize("QuantizeAndDequantizeV3", num_bits=8),
    "quantize_v4": functions.quantize("QuantizeAndDequantizeV4"),
    "overlap": Checked(
        ("NonMaxSuppressionV4",),
        functions.overlap,
        (float32(0.5),),
        {"large": (float32(1.5),)},
    ),
    "softened": Checked(
        ("NonMaxSuppressionV5",),
        functions.softened,
        (float32(0.5), float32(0.1)),
        {
            "large": (float32(1.5), float32(0.1)),
            "negative": (float32(0.5), float32(-1)),
            "nan": (float32(0.5), float32("nan")),
        },
    ),
    "combined_overlap": Checked(
        ("CombinedNonMaxSuppression",),
        functions.combined_overlap,
        (float32(1),),
        {"negative": (float32(-0.5),), "nan": (float32("nan"),)},
    ),
    "crop": Checked(
        ("CropAndResize",),
        functions.crop,
        (
            TABLE.reshape(2, 3, 2, 1),
            float32([[0, 0, 1, 1], [1, 0, 2, 0]]),
            int32([0, 1]),
        ),
        {
            "beyond": (
                TABLE.reshape(2, 3, 2, 1),
                float32([[0, 0, 1, 1], [1, 0, 2, 0]]),
                int32([0, 2]),
            ),
            "infinite": (
                TABLE.reshape(2, 3, 2, 1),
                float32([[0, 0, 1, 1], [1, 0, float("inf"), 0]]),
                int32([0, 1]),
            ),
        },
    ),
}


def names_of(case: str) -> list[str]:
    """Names of a case's inputs in the model of all."""
    return [f"{case}_{number}" for number in range(len(CASES[case].good))]


def inputs_of(case: str, arrays: Arrays) -> dict[str, Any]:
    """A case's inputs by their names."""
    return dict(zip(names_of(case), arrays, strict=True))


def _build() -> tuple[Any, Any]:
    import tensorflow as tf

    specs = [
        tf.TensorSpec(array.shape, array.dtype, name)
        for case, checked in CASES.items()
        for name, array in inputs_of(case, checked.good).items()
    ]

    @tf.function(input_signature=specs)
    def call(*tensors: Any) -> dict[str, Any]:
        given = dict(zip((spec.name for spec in specs), tensors, strict=True))
        return {
            case: checked.function(*(given[name] for name in names_of(case)))
            for case, checked in CASES.items()
        }

    module = tf.Module()
    module.call = call
    return module, call


def _always(array: Any) -> Any:
    return lambda rows, rng: array


MODEL = ModelCase(
    "checked_ops",
    module_save(_build),
    makers={
        name: _always(array)
        for case, checked in CASES.items()
        for name, array in inputs_of(case, checked.good).items()
    },
    has_batch=False,
)
"""All cases, each with inputs of its own and one output."""
