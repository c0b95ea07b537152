# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Functions of ops that TensorFlow checks while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fidelity.checked_case import (
    TABLE,
    Checked,
    float32,
    int32,
    int64,
)


def raw(op: str, **fixed: Any) -> Callable[..., Any]:
    """Calls an op with its tensors by their names."""

    def call(**tensors: Any) -> Any:
        import tensorflow as tf

        return getattr(tf.raw_ops, op)(**tensors, **fixed)

    return call


def gather(params: Any, indices: Any) -> Any:
    import tensorflow as tf

    return tf.gather(params, indices)


def columns(params: Any, indices: Any) -> Any:
    import tensorflow as tf

    return tf.gather(params, indices, axis=-1)


def of_each_row(params: Any, indices: Any) -> Any:
    import tensorflow as tf

    return tf.gather(params, indices, axis=1, batch_dims=1)


def gather_nd(params: Any, indices: Any) -> Any:
    import tensorflow as tf

    return tf.gather_nd(params, indices)


def scatter_nd(indices: Any, updates: Any) -> Any:
    import tensorflow as tf

    return tf.scatter_nd(indices, updates, [4])


def tensor_scatter(kind: str) -> Checked:
    op = f"TensorScatter{kind}"

    def function(tensor: Any, indices: Any, updates: Any) -> Any:
        return raw(op)(tensor=tensor, indices=indices, updates=updates)

    updates = float32([7, 8])
    return Checked(
        (op,),
        function,
        (float32([1, 2, 3]), int32([[0], [2]]), updates),
        {"beyond": (float32([1, 2, 3]), int32([[0], [5]]), updates)},
    )


def segment(kind: str) -> Checked:
    op = f"UnsortedSegment{kind}"

    def function(data: Any, ids: Any) -> Any:
        return raw(op, num_segments=3)(data=data, segment_ids=ids)

    return Checked(
        (op,),
        function,
        (TABLE, int32([0, -1, 2, 2])),
        {"beyond": (TABLE, int32([0, -5, 3, 2]))},
    )


def labels(logits: Any, chosen: Any) -> Any:
    loss, _ = raw("SparseSoftmaxCrossEntropyWithLogits")(features=logits, labels=chosen)
    return loss


def sparse_to_dense(*, validate: bool) -> Callable[..., Any]:
    def function(indices: Any, values: Any) -> Any:
        return raw("SparseToDense", output_shape=int64([4, 5]), default_value=0.0)(
            sparse_indices=indices, sparse_values=values, validate_indices=validate
        )

    return function


def hidden(tensor: Any) -> Any:
    """The same, which XLA's just-in-time compiler does not take for a constant."""
    import tensorflow as tf

    return tf.while_loop(
        lambda count, _: count < 1, lambda n, t: (n + 1, t + n), (0, tensor)
    )[1]


def strided(tensor: Any, place: Any) -> Any:
    begin = hidden(place)
    return tensor[begin[0]][..., begin[1]]


def slice_(tensor: Any, begin: Any) -> Any:
    import tensorflow as tf

    return tf.slice(tensor, hidden(begin), [1, 2])


def list_of(tensor: Any) -> Any:
    return raw("TensorListFromTensor")(tensor=tensor, element_shape=int32([3]))


def list_get(tensor: Any, place: Any) -> Any:
    import tensorflow as tf

    return raw("TensorListGetItem", element_dtype=tf.float32)(
        input_handle=list_of(tensor), index=place, element_shape=int32([3])
    )


def list_set(tensor: Any, place: Any) -> Any:
    import tensorflow as tf

    changed = raw("TensorListSetItem")(
        input_handle=list_of(tensor), index=place, item=float32([7, 8, 9])
    )
    return raw("TensorListStack", element_dtype=tf.float32)(
        input_handle=changed, element_shape=int32([3])
    )


def list_gather(tensor: Any, places: Any) -> Any:
    import tensorflow as tf

    return raw("TensorListGather", element_dtype=tf.float32)(
        input_handle=list_of(tensor), indices=places, element_shape=int32([3])
    )


def array(tensor: Any) -> Any:
    import tensorflow as tf

    handle, flow = tf.raw_ops.TensorArrayV3(
        size=4, dtype=tf.float32, element_shape=[3], tensor_array_name="array"
    )
    flow = tf.raw_ops.TensorArrayScatterV3(
        handle=handle, indices=[0, 1, 2, 3], value=tensor, flow_in=flow
    )
    return handle, flow


def array_read(tensor: Any, place: Any) -> Any:
    import tensorflow as tf

    handle, flow = array(tensor)
    return tf.raw_ops.TensorArrayReadV3(
        handle=handle, index=place, flow_in=flow, dtype=tf.float32
    )


def array_gather(tensor: Any, places: Any) -> Any:
    import tensorflow as tf

    handle, flow = array(tensor)
    return tf.raw_ops.TensorArrayGatherV3(
        handle=handle,
        indices=places,
        flow_in=flow,
        dtype=tf.float32,
        element_shape=[3],
    )


def new_array() -> Any:
    import tensorflow as tf

    return tf.raw_ops.TensorArrayV3(
        size=4, dtype=tf.float32, element_shape=[3], tensor_array_name="array"
    )


def all_of(handle: Any, flow: Any) -> Any:
    import tensorflow as tf

    return tf.raw_ops.TensorArrayGatherV3(
        handle=handle,
        indices=[1, 2],
        flow_in=flow,
        dtype=tf.float32,
        element_shape=[3],
    )


def array_write(tensor: Any, place: Any) -> Any:
    import tensorflow as tf

    handle, flow = new_array()
    for index, row in ((2, tensor[0]), (place, tensor[1])):
        flow = tf.raw_ops.TensorArrayWriteV3(
            handle=handle, index=index, value=row, flow_in=flow
        )
    return all_of(handle, flow)


def array_scatter(tensor: Any, places: Any) -> Any:
    import tensorflow as tf

    handle, flow = new_array()
    flow = tf.raw_ops.TensorArrayScatterV3(
        handle=handle, indices=places, value=tensor[:2], flow_in=flow
    )
    return all_of(handle, flow)


def binary(op: str, dtype: Any = np.int32) -> Checked:
    def function(x: Any, y: Any) -> Any:
        return raw(op)(x=x, y=y)

    x = np.array([[7, 8, 9], [1, 2, 3]], dtype)
    return Checked(
        (op,),
        function,
        (x, np.array([1, 2, 3], dtype)),
        {"zero": (x, np.array([1, 0, 3], dtype))},
    )


def power(x: Any, y: Any) -> Any:
    import tensorflow as tf

    return tf.pow(x, y)


def assert_(x: Any) -> Any:
    import tensorflow as tf

    data = ['x {has} "more"', x, tf.shape(x), tf.cast(x, tf.int32), True]
    with tf.control_dependencies([tf.raw_ops.Assert(condition=x[0, 0] > 0, data=data)]):
        return x * 2


def asserted(assertion: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        import tensorflow as tf

        with tf.control_dependencies([assertion(x)]):
            return tf.identity(x)

    return function


def debugging(name: str, *others: Any, **options: Any) -> Callable[[Any], Any]:
    def assertion(x: Any) -> Any:
        import tensorflow as tf

        getattr(tf.debugging, name)(x, *others, **options)
        return x * 1

    return assertion


def numerics(op: str) -> Checked:
    def function(x: Any) -> Any:
        return raw(op, message="the {loss}")(tensor=x)

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


def inverse(x: Any) -> Any:
    import tensorflow as tf

    return tf.linalg.inv(x)


def solve(x: Any, y: Any) -> Any:
    import tensorflow as tf

    return tf.linalg.solve(x, y)


def eigenvalues(x: Any) -> Any:
    import tensorflow as tf

    return tf.linalg.eigh(x)[0]


def reverse(x: Any, lengths: Any) -> Any:
    import tensorflow as tf

    return tf.reverse_sequence(x, lengths, seq_axis=1, batch_axis=0)


def count(op: str, name: str) -> Callable[[Any], Any]:
    return lambda x: raw(op, size=5, weights=float32([]))(**{name: x})


def band(x: Any, lower: Any, upper: Any) -> Any:
    import tensorflow as tf

    return tf.linalg.band_part(x, lower, upper)


def draw(least: Any, limit: Any) -> Any:
    # What is drawn is XLA's and not TensorFlow's: only how large it is is compared.
    drawn = raw("StatelessRandomUniformInt", shape=[2], seed=[1, 2])(
        minval=least, maxval=limit
    )
    return drawn // 100


def draw_v2(least: Any, limit: Any) -> Any:
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


def quantize(op: str, **options: Any) -> Checked:
    def function(x: Any, least: Any, most: Any) -> Any:
        return raw(op, range_given=True, **options)(
            input=x, input_min=least, input_max=most
        )

    return Checked(
        (op,),
        function,
        (TABLE, float32(0.5), float32(9)),
        {"reversed": (TABLE, float32(2.5), float32(0.1))},
    )


FOUND = float32([[0, 0, 1, 1], [0, 0, 2, 2]])
"""Boxes of two."""


def overlap(threshold: Any) -> Any:
    return raw("NonMaxSuppressionV4", pad_to_max_output_size=True)(
        boxes=FOUND,
        scores=float32([1, 2]),
        max_output_size=2,
        iou_threshold=threshold,
        score_threshold=0.0,
    )[0]


def softened(threshold: Any, sigma: Any) -> Any:
    return raw("NonMaxSuppressionV5", pad_to_max_output_size=True)(
        boxes=FOUND,
        scores=float32([1, 2]),
        max_output_size=2,
        iou_threshold=threshold,
        score_threshold=0.0,
        soft_nms_sigma=sigma,
    )[1]


def combined_overlap(threshold: Any) -> Any:
    return raw("CombinedNonMaxSuppression")(
        boxes=FOUND[None, :, None],
        scores=float32([[[1], [2]]]),
        max_output_size_per_class=2,
        max_total_size=2,
        iou_threshold=threshold,
        score_threshold=0.0,
    )[1]


def crop(images: Any, boxes: Any, numbers: Any) -> Any:
    return raw("CropAndResize", crop_size=[2, 2])(
        image=images, boxes=boxes, box_ind=numbers
    )
