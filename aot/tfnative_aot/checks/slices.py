# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Places in tensors and lists that are given as numbers: slices, items."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfnative_aot.checks.facts import Facts
from tfnative_aot.checks.finding import Finding, at, first
from tfnative_aot.checks.indices import in_range, is_known


def strided_slice(node: Any, facts: Facts) -> list[Finding]:
    """StridedSlice: an index that takes a dimension away is in it."""
    found = []
    begin = node.inputs[1]
    known = facts.constant(begin)
    if known is not None:
        return []  # TensorFlow and XLA look at it before they run.
    for number, dimension in _taken(node, begin.shape[0]):
        index = begin[number]
        size = node.inputs[0].shape[dimension]
        bounds = facts.interval(begin)
        if size is not None and bounds.is_in(-size, size - 1):
            continue
        limit = tf.cast(
            tf.shape(node.inputs[0])[dimension] if size is None else size, index.dtype
        )
        # What is negative counts from the end.
        forward = tf.where(index < 0, index + limit, index)
        position = first((forward < 0) | (forward >= limit))
        message = f"slice index {{i0}} of dimension {dimension} out of bounds."
        found.append(Finding(message, position, (forward,)))
    return found


def _taken(node: Any, count: int) -> list[tuple[int, int]]:
    """Numbers of the indices that take a dimension away, and of the dimensions."""
    masks = {
        name: node.get_attr(f"{name}_mask")
        for name in ("shrink_axis", "new_axis", "ellipsis")
    }
    found, dimension = [], 0
    rank = node.inputs[0].shape.rank
    new = sum(
        bool(masks["new_axis"] >> n & 1) and not masks["ellipsis"] >> n & 1
        for n in range(count)
    )
    for number in range(count):
        if masks["ellipsis"] >> number & 1:
            dimension += rank - (count - 1 - new)
        elif masks["new_axis"] >> number & 1:
            continue
        else:
            if masks["shrink_axis"] >> number & 1:
                found.append((number, dimension))
            dimension += 1
    return found


def plain_slice(node: Any, facts: Facts) -> list[Finding]:
    """Slice: begin and size are in the tensor."""
    data, begin, size = node.inputs
    if facts.constant(begin) is not None and facts.constant(size) is not None:
        return []  # TensorFlow and XLA look at them before they run.
    if begin.shape[0] == 0:
        return []
    begins, sizes = tf.cast(begin, tf.int64), tf.cast(size, tf.int64)
    limits = tf.cast(tf.shape(data), tf.int64)
    left = limits - begins
    bad_begin = (begins < 0) | (begins > limits)
    bad_size = ((sizes < 0) | (sizes > left)) & tf.not_equal(sizes, -1)
    position = first(bad_begin | bad_size)
    is_begin = at(bad_begin, position)
    return [
        Finding(
            "Expected begin[{i0}] in [0, {i1}], but got {i2}",
            tf.where((position >= 0) & is_begin, 0, -1),
            (position, at(limits, position), at(begins, position)),
        ),
        Finding(
            "Expected size[{i0}] in [0, {i1}], but got {i2}",
            tf.where((position >= 0) & ~is_begin, 0, -1),
            (position, at(left, position), at(sizes, position)),
        ),
    ]


def list_get(node: Any, facts: Facts) -> list[Finding]:
    """TensorListGetItem: the place is in the list."""
    return _item(node, facts, "Trying to access element {i0} in a list with {i1} ")


def list_set(node: Any, facts: Facts) -> list[Finding]:
    """TensorListSetItem: the same. XLA's lists do not grow, as TensorFlow's may."""
    if node.node_def.attr["resize_if_index_out_of_bounds"].b:
        return _item(
            node,
            facts,
            "compiled lists do not grow: element {i0} of a TensorArray with size={i1}; "
            "give it the size that it needs. There are {i1} ",
        )
    return _item(node, facts, "Trying to modify element {i0} in a list with {i1} ")


def _item(node: Any, facts: Facts, message: str) -> list[Finding]:
    handle, index = node.inputs[:2]
    if is_known(facts.interval(index), facts.list_length(handle)):
        return []
    length = tf.raw_ops.TensorListLength(input_handle=handle)
    position = first((index < 0) | (index >= length))
    return [Finding(message + "elements.", position, (index, length))]


def list_gather(node: Any, facts: Facts) -> list[Finding]:
    """TensorListGather: all places are in the list."""
    handle, indices = node.inputs[:2]
    return in_range(
        indices,
        facts.list_length(handle),
        lambda: tf.raw_ops.TensorListLength(input_handle=handle),
        "Index {i0} out o range; list only has {limit} elements.",
        facts,
    )


def array_read(node: Any, facts: Facts) -> list[Finding]:
    """TensorArrayReadV3 and TensorArrayGatherV3: places are in the array."""
    handle, indices, flow = node.inputs
    return in_range(
        indices,
        _array_size(handle, facts),
        lambda: tf.raw_ops.TensorArraySizeV3(handle=handle, flow_in=flow),
        "Tried to read from index {i0} but array size is: {limit}",
        facts,
    )


def array_write(node: Any, facts: Facts) -> list[Finding]:
    """TensorArrayWriteV3: the place is in an array that does not grow."""
    handle, index, _, flow = node.inputs
    creator = _creator(handle)
    if creator is None or creator.get_attr("dynamic_size"):
        return []
    name = (creator.get_attr("tensor_array_name") or creator.name.encode()).decode()
    return in_range(
        index,
        _array_size(handle, facts),
        lambda: tf.raw_ops.TensorArraySizeV3(handle=handle, flow_in=flow),
        f"TensorArray {name}: Tried to write to index {{i0}} but array is not "
        "resizeable and size is: {limit}",
        facts,
    )


def array_scatter(node: Any, facts: Facts) -> list[Finding]:
    """TensorArrayScatterV3: all places are in the array."""
    handle, indices, _, flow = node.inputs
    return in_range(
        indices,
        _array_size(handle, facts),
        lambda: tf.raw_ops.TensorArraySizeV3(handle=handle, flow_in=flow),
        "Max scatter index must be < array size ({i0} vs. {limit})",
        facts,
    )


def _creator(handle: Any) -> Any | None:
    op = handle.op
    while op.type in ("Enter", "Identity", "Switch", "Merge"):
        op = op.inputs[0].op
    return op if op.type == "TensorArrayV3" else None


def _array_size(handle: Any, facts: Facts) -> int | None:
    creator = _creator(handle)
    size = None if creator is None else facts.constant(creator.inputs[0])
    return None if size is None else int(size)


RULES = {
    "StridedSlice": strided_slice,
    "Slice": plain_slice,
    "TensorListGetItem": list_get,
    "TensorListSetItem": list_set,
    "TensorListGather": list_gather,
    "TensorArrayReadV3": array_read,
    "TensorArrayGatherV3": array_read,
    "TensorArrayWriteV3": array_write,
    "TensorArrayScatterV3": array_scatter,
}
"""By op."""
