# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""For each op that TensorFlow checks while it runs: what it takes and what it does not.

All are one model, with inputs and outputs of their own for each, so that one input can
be bad alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.models.case import ModelCase
from tests.models.saving import module_save

Arrays = tuple[Any, ...]


@dataclass(frozen=True)
class Checked:
    """An op, and inputs for it.

    Attributes:
        ops: What is checked in it.
        function: Takes the inputs, as TensorFlow's tensors.
        good: Inputs that it takes.
        bad: Inputs that it does not take, by what is wrong with them.
        same_text: Whether the message is TensorFlow's to the last character.
    """

    ops: tuple[str, ...]
    function: Callable[..., Any]
    good: Arrays
    bad: Mapping[str, Arrays]
    same_text: bool = True


def int32(values: Any) -> Any:
    return np.array(values, np.int32)


def int64(values: Any) -> Any:
    return np.array(values, np.int64)


def float32(values: Any) -> Any:
    return np.array(values, np.float32)


TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)


def _raw(op: str, **fixed: Any) -> Callable[..., Any]:
    """Calls an op with its tensors by their names."""

    def call(**tensors: Any) -> Any:
        import tensorflow as tf

        return getattr(tf.raw_ops, op)(**tensors, **fixed)

    return call


def _gather(params: Any, indices: Any) -> Any:
    import tensorflow as tf

    return tf.gather(params, indices)


def _columns(params: Any, indices: Any) -> Any:
    import tensorflow as tf

    return tf.gather(params, indices, axis=-1)


def _of_each_row(params: Any, indices: Any) -> Any:
    import tensorflow as tf

    return tf.gather(params, indices, axis=1, batch_dims=1)


def _gather_nd(params: Any, indices: Any) -> Any:
    import tensorflow as tf

    return tf.gather_nd(params, indices)


def _scatter_nd(indices: Any, updates: Any) -> Any:
    import tensorflow as tf

    return tf.scatter_nd(indices, updates, [4])


def _tensor_scatter(kind: str) -> Checked:
    op = f"TensorScatter{kind}"

    def function(tensor: Any, indices: Any, updates: Any) -> Any:
        return _raw(op)(tensor=tensor, indices=indices, updates=updates)

    updates = float32([7, 8])
    return Checked(
        (op,),
        function,
        (float32([1, 2, 3]), int32([[0], [2]]), updates),
        {"beyond": (float32([1, 2, 3]), int32([[0], [5]]), updates)},
    )


def _segment(kind: str) -> Checked:
    op = f"UnsortedSegment{kind}"

    def function(data: Any, ids: Any) -> Any:
        return _raw(op, num_segments=3)(data=data, segment_ids=ids)

    return Checked(
        (op,),
        function,
        (TABLE, int32([0, -1, 2, 2])),
        {"beyond": (TABLE, int32([0, -5, 3, 2]))},
    )


def _labels(logits: Any, chosen: Any) -> Any:
    loss, _ = _raw("SparseSoftmaxCrossEntropyWithLogits")(
        features=logits, labels=chosen
    )
    return loss


def _sparse_to_dense(*, validate: bool) -> Callable[..., Any]:
    def function(indices: Any, values: Any) -> Any:
        return _raw("SparseToDense", output_shape=int64([4, 5]), default_value=0.0)(
            sparse_indices=indices, sparse_values=values, validate_indices=validate
        )

    return function


def _hidden(tensor: Any) -> Any:
    """The same, which XLA's just-in-time compiler does not take for a constant."""
    import tensorflow as tf

    return tf.while_loop(
        lambda count, _: count < 1, lambda n, t: (n + 1, t + n), (0, tensor)
    )[1]


def _strided(tensor: Any, place: Any) -> Any:
    begin = _hidden(place)
    return tensor[begin[0]][..., begin[1]]


def _slice(tensor: Any, begin: Any) -> Any:
    import tensorflow as tf

    return tf.slice(tensor, _hidden(begin), [1, 2])


def _list_of(tensor: Any) -> Any:
    return _raw("TensorListFromTensor")(tensor=tensor, element_shape=int32([3]))


def _list_get(tensor: Any, place: Any) -> Any:
    import tensorflow as tf

    return _raw("TensorListGetItem", element_dtype=tf.float32)(
        input_handle=_list_of(tensor), index=place, element_shape=int32([3])
    )


def _list_set(tensor: Any, place: Any) -> Any:
    import tensorflow as tf

    changed = _raw("TensorListSetItem")(
        input_handle=_list_of(tensor), index=place, item=float32([7, 8, 9])
    )
    return _raw("TensorListStack", element_dtype=tf.float32)(
        input_handle=changed, element_shape=int32([3])
    )


def _list_gather(tensor: Any, places: Any) -> Any:
    import tensorflow as tf

    return _raw("TensorListGather", element_dtype=tf.float32)(
        input_handle=_list_of(tensor), indices=places, element_shape=int32([3])
    )


def _array(tensor: Any) -> Any:
    import tensorflow as tf

    handle, flow = tf.raw_ops.TensorArrayV3(
        size=4, dtype=tf.float32, element_shape=[3], tensor_array_name="array"
    )
    flow = tf.raw_ops.TensorArrayScatterV3(
        handle=handle, indices=[0, 1, 2, 3], value=tensor, flow_in=flow
    )
    return handle, flow


def _array_read(tensor: Any, place: Any) -> Any:
    import tensorflow as tf

    handle, flow = _array(tensor)
    return tf.raw_ops.TensorArrayReadV3(
        handle=handle, index=place, flow_in=flow, dtype=tf.float32
    )


def _array_gather(tensor: Any, places: Any) -> Any:
    import tensorflow as tf

    handle, flow = _array(tensor)
    return tf.raw_ops.TensorArrayGatherV3(
        handle=handle,
        indices=places,
        flow_in=flow,
        dtype=tf.float32,
        element_shape=[3],
    )


def _new_array() -> Any:
    import tensorflow as tf

    return tf.raw_ops.TensorArrayV3(
        size=4, dtype=tf.float32, element_shape=[3], tensor_array_name="array"
    )


def _all_of(handle: Any, flow: Any) -> Any:
    import tensorflow as tf

    return tf.raw_ops.TensorArrayGatherV3(
        handle=handle,
        indices=[1, 2],
        flow_in=flow,
        dtype=tf.float32,
        element_shape=[3],
    )


def _array_write(tensor: Any, place: Any) -> Any:
    import tensorflow as tf

    handle, flow = _new_array()
    for index, row in ((2, tensor[0]), (place, tensor[1])):
        flow = tf.raw_ops.TensorArrayWriteV3(
            handle=handle, index=index, value=row, flow_in=flow
        )
    return _all_of(handle, flow)


def _array_scatter(tensor: Any, places: Any) -> Any:
    import tensorflow as tf

    handle, flow = _new_array()
    flow = tf.raw_ops.TensorArrayScatterV3(
        handle=handle, indices=places, value=tensor[:2], flow_in=flow
    )
    return _all_of(handle, flow)


def _binary(op: str, dtype: Any = np.int32) -> Checked:
    def function(x: Any, y: Any) -> Any:
        return _raw(op)(x=x, y=y)

    x = np.array([[7, 8, 9], [1, 2, 3]], dtype)
    return Checked(
        (op,),
        function,
        (x, np.array([1, 2, 3], dtype)),
        {"zero": (x, np.array([1, 0, 3], dtype))},
    )


def _power(x: Any, y: Any) -> Any:
    import tensorflow as tf

    return tf.pow(x, y)


def _assert(x: Any) -> Any:
    import tensorflow as tf

    data = ['x {has} "more"', x, tf.shape(x), tf.cast(x, tf.int32), True]
    with tf.control_dependencies([tf.raw_ops.Assert(condition=x[0, 0] > 0, data=data)]):
        return x * 2


def _asserted(assertion: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        import tensorflow as tf

        with tf.control_dependencies([assertion(x)]):
            return tf.identity(x)

    return function


def _debugging(name: str, *others: Any, **options: Any) -> Callable[[Any], Any]:
    def assertion(x: Any) -> Any:
        import tensorflow as tf

        getattr(tf.debugging, name)(x, *others, **options)
        return x * 1

    return assertion


def _numerics(op: str) -> Checked:
    def function(x: Any) -> Any:
        return _raw(op, message="the {loss}")(tensor=x)

    return Checked(
        (op,),
        function,
        (float32([1, 2, 3]),),
        {
            "nan": (float32([1, np.nan, 3]),),
            "infinite": (float32([1, -np.inf, 3]),),
            "both": (float32([np.inf, np.nan, 3]),),
            "all": (float32([np.inf, np.nan, -np.inf]),),
        },
    )


def _inverse(x: Any) -> Any:
    import tensorflow as tf

    return tf.linalg.inv(x)


def _solve(x: Any, y: Any) -> Any:
    import tensorflow as tf

    return tf.linalg.solve(x, y)


def _eigenvalues(x: Any) -> Any:
    import tensorflow as tf

    return tf.linalg.eigh(x)[0]


def _reverse(x: Any, lengths: Any) -> Any:
    import tensorflow as tf

    return tf.reverse_sequence(x, lengths, seq_axis=1, batch_axis=0)


def _count(op: str, name: str) -> Callable[[Any], Any]:
    return lambda x: _raw(op, size=5, weights=float32([]))(**{name: x})


def _band(x: Any, lower: Any, upper: Any) -> Any:
    import tensorflow as tf

    return tf.linalg.band_part(x, lower, upper)


def _draw(least: Any, limit: Any) -> Any:
    # What is drawn is XLA's and not TensorFlow's: only how large it is is compared.
    drawn = _raw("StatelessRandomUniformInt", shape=[2], seed=[1, 2])(
        minval=least, maxval=limit
    )
    return drawn // 100


def _draw_v2(least: Any, limit: Any) -> Any:
    import tensorflow as tf

    drawn = tf.raw_ops.StatelessRandomUniformIntV2(
        shape=[2],
        key=tf.constant([1], tf.uint64),
        counter=tf.constant([1, 2], tf.uint64),
        alg=1,
        minval=least,
        maxval=limit,
    )
    return drawn // 100


def _quantize(op: str, **options: Any) -> Checked:
    def function(x: Any, least: Any, most: Any) -> Any:
        return _raw(op, range_given=True, **options)(
            input=x, input_min=least, input_max=most
        )

    return Checked(
        (op,),
        function,
        (TABLE, float32(0.5), float32(9)),
        {"reversed": (TABLE, float32(2.5), float32(0.1))},
    )


def _overlap(threshold: Any) -> Any:
    import tensorflow as tf

    return tf.raw_ops.NonMaxSuppressionV4(
        boxes=float32([[0, 0, 1, 1], [0, 0, 2, 2]]),
        scores=float32([1, 2]),
        max_output_size=2,
        iou_threshold=threshold,
        score_threshold=0.0,
        pad_to_max_output_size=True,
    )[0]


GOOD_MATRIX = float32([[4, 1], [1, 3]])
SINGULAR = float32([[1, 2], [2, 4]])

CASES: dict[str, Checked] = {
    "gather": Checked(
        ("GatherV2",),
        _gather,
        (TABLE, int32([[0, 1], [2, 3]])),
        {
            "beyond": (TABLE, int32([[0, 1], [2, 9]])),
            "negative": (TABLE, int32([[0, -1], [2, 3]])),
        },
    ),
    "gather_scalar": Checked(
        ("GatherV2",), _gather, (TABLE, int64(3)), {"negative": (TABLE, int64(-1))}
    ),
    "gather_columns": Checked(
        ("GatherV2",),
        _columns,
        (TABLE, int64([0, 2])),
        {"beyond": (TABLE, int64([0, 2**40]))},
    ),
    "gather_small_numbers": Checked(
        ("GatherV2",),
        _gather,
        (TABLE, np.array([0, 3], np.int16)),
        {"negative": (TABLE, np.array([0, -300], np.int16))},
    ),
    "gather_of_each_row": Checked(
        ("GatherV2",),
        _of_each_row,
        (TABLE, int32([[0, 1], [2, 1], [0, 0], [1, 1]])),
        {"beyond": (TABLE, int32([[0, 1], [2, 1], [0, 3], [1, 1]]))},
    ),
    "gather_old": Checked(
        ("Gather",),
        lambda params, indices: _raw("Gather")(params=params, indices=indices),
        (TABLE, int32([0, 3])),
        {"beyond": (TABLE, int32([0, 4]))},
    ),
    "gather_nd": Checked(
        ("GatherNd",),
        _gather_nd,
        (TABLE, int32([[[0, 1]], [[2, 2]]])),
        {
            "beyond": (TABLE, int32([[[0, 1]], [[2, 3]]])),
            "negative": (TABLE, int32([[[0, -1]], [[2, 2]]])),
        },
    ),
    "gather_nd_row": Checked(
        ("GatherNd",), _gather_nd, (TABLE, int64([1])), {"beyond": (TABLE, int64([4]))}
    ),
    "scatter_nd": Checked(
        ("ScatterNd",),
        _scatter_nd,
        (int32([[0], [3]]), float32([1, 2])),
        {"beyond": (int32([[0], [9]]), float32([1, 2]))},
    ),
    **{
        f"scatter_{kind.lower()}": _tensor_scatter(kind)
        for kind in ("Add", "Max", "Min", "Sub", "Update")
    },
    **{
        f"segment_{kind.lower()}": _segment(kind)
        for kind in ("Max", "Min", "Prod", "Sum")
    },
    "labels": Checked(
        ("SparseSoftmaxCrossEntropyWithLogits",),
        _labels,
        (TABLE, int32([0, 1, 2, 2])),
        {
            "beyond": (TABLE, int32([0, 1, 3, 2])),
            "negative": (TABLE, int32([0, -1, 2, 2])),
        },
        same_text=False,
    ),
    "sparse_to_dense": Checked(
        ("SparseToDense",),
        _sparse_to_dense(validate=True),
        (int64([[0, 1], [2, 3]]), float32([1, 2])),
        {
            "beyond": (int64([[0, 1], [2, 9]]), float32([1, 2])),
            "order": (int64([[2, 1], [0, 3]]), float32([1, 2])),
            "twice": (int64([[0, 3], [0, 3]]), float32([1, 2])),
        },
    ),
    "sparse_to_dense_any_order": Checked(
        ("SparseToDense",),
        _sparse_to_dense(validate=False),
        (int64([[2, 1], [0, 3]]), float32([1, 2])),
        {"beyond": (int64([[2, 1], [0, 9]]), float32([1, 2]))},
    ),
    "permutation": Checked(
        ("InvertPermutation",),
        lambda x: _raw("InvertPermutation")(x=x),
        (int32([0, 2, 1, 3]),),
        {"beyond": (int32([0, 2, 1, 7]),), "twice": (int32([0, 2, 2, 1]),)},
    ),
    "strided_slice": Checked(
        ("StridedSlice",),
        _strided,
        (TABLE.reshape(2, 2, 3), int32([1, -1])),
        {
            "beyond": (TABLE.reshape(2, 2, 3), int32([3, 0])),
            "negative": (TABLE.reshape(2, 2, 3), int32([-3, 0])),
            "last": (TABLE.reshape(2, 2, 3), int32([0, 3])),
        },
    ),
    "slice": Checked(
        ("Slice",),
        _slice,
        (TABLE, int32([3, 1])),
        {
            "negative": (TABLE, int32([-1, 0])),
            "begin": (TABLE, int32([5, 0])),
            "size": (TABLE, int32([1, 2])),
        },
    ),
    "list_get": Checked(
        ("TensorListGetItem",),
        _list_get,
        (TABLE, int32(3)),
        {"beyond": (TABLE, int32(4)), "negative": (TABLE, int32(-1))},
    ),
    "list_set": Checked(
        ("TensorListSetItem",), _list_set, (TABLE, int32(3)), {"at": (TABLE, int32(4))}
    ),
    "list_gather": Checked(
        ("TensorListGather",),
        _list_gather,
        (TABLE, int32([0, 3])),
        {"beyond": (TABLE, int32([0, 4]))},
    ),
    "array_read": Checked(
        ("TensorArrayReadV3",),
        _array_read,
        (TABLE, int32(3)),
        {"beyond": (TABLE, int32(4))},
    ),
    "array_gather": Checked(
        ("TensorArrayGatherV3",),
        _array_gather,
        (TABLE, int32([3, 0])),
        {"beyond": (TABLE, int32([3, 4]))},
    ),
    "array_write": Checked(
        ("TensorArrayWriteV3",),
        _array_write,
        (TABLE, int32(1)),
        {"beyond": (TABLE, int32(4))},
        same_text=False,
    ),
    "array_scatter": Checked(
        ("TensorArrayScatterV3",),
        _array_scatter,
        (TABLE, int32([1, 2])),
        {"beyond": (TABLE, int32([1, 4]))},
    ),
    **{
        f"{op.lower()}_{dtype.__name__}": _binary(op, dtype)
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
        _power,
        (int32([2, 3]), int32([2, 0])),
        {"negative": (int32([2, 3]), int32([2, -1]))},
    ),
    "assert": Checked(
        ("Assert",),
        _assert,
        (float32([[1, 2], [3, 4]]),),
        {"negative": (float32([[-1.1, 0.1], [1e5, np.nan]]),)},
    ),
    "assert_less": Checked(
        ("Assert",),
        _asserted(_debugging("assert_less", 5.0, message="x is too large")),
        (float32([[1, 2, 3], [1, 2, 3]]),),
        {"large": (float32([[1, 2, 3], [7, 2, 3]]),)},
    ),
    "assert_equal": Checked(
        ("Assert",),
        _asserted(_debugging("assert_equal", int32([1, 2, 3]))),
        (int32([1, 2, 3]),),
        {"other": (int32([1, 5, 3]),)},
    ),
    "assert_positive": Checked(
        ("Assert",),
        _asserted(_debugging("assert_positive", summarize=1)),
        (float32(3),),
        {"negative": (float32(-0.1),)},
    ),
    "numerics": _numerics("CheckNumerics"),
    "numerics_v2": _numerics("CheckNumericsV2"),
    "inverse": Checked(
        ("MatrixInverse",),
        _inverse,
        (np.stack([GOOD_MATRIX, GOOD_MATRIX]),),
        {
            "singular": (np.stack([GOOD_MATRIX, SINGULAR]),),
            "nan": (np.stack([GOOD_MATRIX * np.nan, GOOD_MATRIX]),),
        },
    ),
    "solve": Checked(
        ("MatrixSolve",),
        _solve,
        (GOOD_MATRIX, float32([[1], [2]])),
        {"singular": (SINGULAR, float32([[1], [2]]))},
    ),
    "eigenvalues": Checked(
        ("SelfAdjointEigV2",),
        _eigenvalues,
        (GOOD_MATRIX,),
        {"nan": (float32([[4, 1], [np.nan, 3]]),)},
    ),
    "reverse": Checked(
        ("ReverseSequence",),
        _reverse,
        (TABLE, int32([0, 1, 2, 3])),
        {
            "beyond": (TABLE, int32([0, 1, 4, 3])),
            "negative": (TABLE, int32([0, -1, 2, 3])),
        },
    ),
    "bincount": Checked(
        ("Bincount",),
        _count("Bincount", "arr"),
        (int32([1, 2, 9]),),
        {"negative": (int32([1, -2, 9]),)},
    ),
    "dense_bincount": Checked(
        ("DenseBincount",),
        _count("DenseBincount", "input"),
        (int32([1, 2, 9]),),
        {"negative": (int32([1, -2, 9]),)},
    ),
    "dense_bincount_rows": Checked(
        ("DenseBincount",),
        _count("DenseBincount", "input"),
        (int32([[1, 2], [3, 4]]),),
        {"negative": (int32([[1, 2], [-3, 4]]),)},
    ),
    "band": Checked(
        ("MatrixBandPart",),
        _band,
        (TABLE, int64(4), int64(-9)),
        {"lower": (TABLE, int64(5), int64(1)), "upper": (TABLE, int64(0), int64(4))},
    ),
    "draw": Checked(
        ("StatelessRandomUniformInt",),
        _draw,
        (int32(3), int32(5)),
        {"none": (int32(5), int32(5))},
    ),
    "draw_v2": Checked(
        ("StatelessRandomUniformIntV2",),
        _draw_v2,
        (int64(3), int64(5)),
        {"none": (int64(5), int64(-5))},
    ),
    "quantize_v2": _quantize("QuantizeAndDequantizeV2"),
    "quantize_v3": _quantize("QuantizeAndDequantizeV3", num_bits=8),
    "quantize_v4": _quantize("QuantizeAndDequantizeV4"),
    "overlap": Checked(
        ("NonMaxSuppressionV4",),
        _overlap,
        (float32(0.5),),
        {"large": (float32(1.5),)},
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
