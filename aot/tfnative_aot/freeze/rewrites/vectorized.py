# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Indices of tf.vectorized_map, which are numbers of rows.

What it maps over may have one element for all rounds: the index of a round is its
number if there is more than one, and 0 otherwise. Where the rounds are as many as the
elements, that is the number in any case, and no decision by the number of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.load.source import BATCH

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_THROUGH = ("Identity", "Snapshot", "ExpandDims")
"""Ops that leave a single number as it is."""
_KEEP_FIRST_SIZE = frozenset(
    "Abs AvgPool BiasAdd Cast Conv2D DepthwiseConv2dNative Elu Exp FusedBatchNormV3 "
    "Identity LeakyRelu Log MaxPool Neg Relu Relu6 Rsqrt Selu Sigmoid Softmax Softplus "
    "Sqrt Square Tanh".split()
)
"""Ops whose first output has as many rows as their first operand."""
_OF_EQUALS = ("Max", "Min", "Maximum", "Minimum", "Pack", "ConcatV2")
"""Ops that give, of equal numbers, the same numbers."""
_ROWS = "rows"
_MOST_STEPS = 20


def index_by_number(editor: GraphEditor) -> None:
    """Takes ``range(n) if n > 1 else 0`` for ``range(n)``: for 0 and 1, they agree.

    And the largest of equal numbers of rounds for one of them.
    """
    for node in editor.nodes("Max"):
        first = _first_slice(editor, node)
        if first and _is_vector(editor, node, 0) and not node.attr["keep_dims"].b:
            editor.become(node, "Identity", [first])
    for node in editor.nodes("SelectV2"):
        several, numbers = editor.source(node, 0), editor.source(node, 1)
        if several is None or several.op != "Greater":
            continue
        if numbers is None or numbers.op != "Range":
            continue
        if _agree(editor, node, several, numbers):
            editor.become(node, "Identity", [node.input[1]])


def _agree(
    editor: GraphEditor, node: NodeDef, several: NodeDef, numbers: NodeDef
) -> bool:
    if several.attr["T"].type != numbers.attr["Tidx"].type:
        return False
    counted = editor.source(several, 0)
    if counted is None or counted.op != "StridedSlice":
        return False
    known = (
        *((several, 1, 1), (node, 2, 0)),
        *((numbers, 0, 0), (numbers, 2, 1)),
    )
    if not all(_is_number(editor, *each) for each in known):
        return False
    count = _size(editor, several, 0, _MOST_STEPS)
    return bool(count) and count == _size(editor, numbers, 1, _MOST_STEPS)


def _is_number(editor: GraphEditor, node: NodeDef, place: int, wanted: int) -> bool:
    value = editor.constant(node, place)
    return value is not None and value.ndim == 0 and value[()] == wanted


def _size(editor: GraphEditor, node: NodeDef, place: int, steps: int) -> str:
    """Whose first size an input is: a tensor's name, "rows" for inputs; or ""."""
    source = editor.source(node, place)
    if source is None or steps == 0:
        return ""
    if source.op in _THROUGH:
        return _size(editor, source, 0, steps - 1)
    if source.op in _OF_EQUALS:
        places = range(sum(not name.startswith("^") for name in source.input))
        if source.op in ("Max", "Min"):
            places = range(1)
        if source.op == "ConcatV2":
            places = range(len(places) - 1)
        found = {_size(editor, source, at, steps - 1) for at in places}
        return found.pop() if len(found) == 1 else ""
    if source.op != "StridedSlice" or not _is_first(editor, source):
        return ""
    shape = editor.source(source, 0)
    if shape is None or shape.op != "Shape":
        return ""
    reader, whose = shape, editor.source(shape, 0)
    while whose is not None and _keeps_first_size(whose):
        reader, whose = whose, editor.source(whose, 0)
    if whose is not None and whose.op == "Placeholder":
        dims = whose.attr["shape"].shape.dim
        if dims and dims[0].size == BATCH:
            return _ROWS
    return f"of {reader.input[0].removesuffix(':0')}"


def _keeps_first_size(node: NodeDef) -> bool:
    if node.op == "MatMul":
        return not node.attr["transpose_a"].b
    return node.op in _KEEP_FIRST_SIZE and node.attr["data_format"].s != b"NCHW"


def _first_slice(editor: GraphEditor, node: NodeDef) -> str:
    """The scalar that all numbers in an operand equal; "" if that is not known."""
    if not _size(editor, node, 0, _MOST_STEPS):
        return ""
    source = editor.source(node, 0)
    while source is not None and source.op != "StridedSlice":
        source = editor.source(source, 0)
    return "" if source is None else str(source.name)


def _is_vector(editor: GraphEditor, node: NodeDef, place: int) -> bool:
    """Whether an input, which has sizes in it, is put together of single ones."""
    source = editor.source(node, place)
    if source is None:
        return False
    count = sum(not name.startswith("^") for name in source.input)
    if source.op == "ConcatV2":
        return all(_is_vector(editor, source, at) for at in range(count - 1))
    parts = range(count if source.op == "Pack" else 1)
    inner = [editor.source(source, at) for at in parts]
    return source.op in ("Pack", "ExpandDims") and all(
        part is not None and part.op == "StridedSlice" for part in inner
    )


def _is_first(editor: GraphEditor, node: NodeDef) -> bool:
    """Whether a slice of a vector is its first element."""
    bounds = [editor.constant(node, place) for place in (1, 2, 3)]
    masks = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask")
    return (
        node.attr["shrink_axis_mask"].i == 1
        and not any(node.attr[mask].i for mask in masks)
        and all(
            bound is not None and np.array_equal(bound, [wanted])
            for bound, wanted in zip(bounds, (0, 1, 1), strict=True)
        )
    )
