# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Slices one of whose indices is known at run time only, as in x[:, i, 1:].

Beside such an index, XLA takes other dimensions from their beginning, whatever their
own constants say. So these are taken first, by a slice of constants alone, and then
the index, by one that leaves all else as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.rule import element_type

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


@dataclass(frozen=True)
class _Element:
    """What a slice says of one dimension, or of those that an ellipsis stands for.

    Attributes:
        kind: "ellipsis", "new_axis", "index", or "range".
        begin: Where it begins, or the index; None if that is not known.
        end: Where a range ends; None if that is not known.
        stride: Of a range.
        begin_mask: Whether a range begins where the dimension does.
        end_mask: Whether it ends where the dimension does.
    """

    kind: str
    begin: int | None = 0
    end: int | None = 0
    stride: int = 1
    begin_mask: bool = True
    end_mask: bool = True

    @property
    def is_known(self) -> bool:
        if self.kind == "index":
            return self.begin is not None
        begins = self.begin_mask or self.begin is not None
        return begins and (self.end_mask or self.end is not None)

    @property
    def is_everything(self) -> bool:
        whole = self.begin_mask and self.end_mask and self.stride == 1
        return self.kind != "index" and whole


_ALL = _Element("range")


def split_slices(editor: GraphEditor) -> None:
    """Takes constants and what is known at run time in two steps."""
    for node in editor.nodes("Slice"):
        _split_slice(editor, node)
    for node in editor.nodes("StridedSlice"):
        elements = _elements(editor, node)
        if not _is_mixed(elements):
            continue
        index_type = element_type(node, "Index")
        vector = tf.TensorSpec([len(elements)], index_type)
        specs = [tf.TensorSpec(None, element_type(node)), vector, vector, vector]
        editor.replace(node, _in_two_steps(elements, index_type), specs)


def _split_slice(editor: GraphEditor, node: NodeDef) -> None:
    """Gives sizes in the place of -1, which XLA does not know beside such an index."""
    begins, sizes = _scalars(editor, node, 1), editor.constant(node, 2)
    if begins is None or sizes is None or None not in begins or -1 not in sizes:
        return
    if any(
        begin is None and size == -1 for begin, size in zip(begins, sizes, strict=True)
    ):
        return
    index_type = element_type(node, "Index")

    def compute(x: Any, begin: Any, *_: Any) -> Any:
        known = [each or 0 for each in begins]
        counts = [
            -1 if each is None else int(size)
            for each, size in zip(begins, sizes, strict=True)
        ]
        part = tf.slice(
            x, tf.constant(known, index_type), tf.constant(counts, index_type)
        )
        whole = tf.shape(part, index_type)
        zero = tf.constant(0, index_type)
        places = [
            (begin[number], tf.constant(sizes[number], index_type))
            if each is None
            else (zero, whole[number])
            for number, each in enumerate(begins)
        ]
        return tf.slice(part, *map(tf.stack, zip(*places, strict=True)))

    vector = tf.TensorSpec([len(begins)], index_type)
    specs = [tf.TensorSpec(None, element_type(node)), vector, vector]
    editor.replace(node, compute, specs)


def _is_mixed(elements: Sequence[_Element]) -> bool:
    """Whether constants stand beside an index that is not known.

    A range that is not known has another size at each run, and stays as it is.
    """
    unknown = [each for each in elements if not each.is_known]
    if not unknown or any(each.kind != "index" for each in unknown):
        return False
    return not all(each.is_everything for each in elements if each.is_known)


def _elements(editor: GraphEditor, node: NodeDef) -> list[_Element]:
    """What is known of a slice; nothing where the vectors are not made of scalars."""
    begins, ends, strides = (_scalars(editor, node, place) for place in (1, 2, 3))
    if begins is None or ends is None or strides is None or None in strides:
        return []
    found = []
    for number, stride in enumerate(strides):
        masked = {
            name: bool(node.attr[f"{name}_mask"].i >> number & 1)
            for name in ("ellipsis", "new_axis", "shrink_axis", "begin", "end")
        }
        if masked["ellipsis"] or masked["new_axis"]:
            kind = "ellipsis" if masked["ellipsis"] else "new_axis"
            found.append(_Element(kind))
        elif masked["shrink_axis"]:
            found.append(_Element("index", begins[number]))
        else:
            bounds = begins[number], ends[number], stride or 0
            found.append(_Element("range", *bounds, masked["begin"], masked["end"]))
    return found


def _scalars(editor: GraphEditor, node: NodeDef, place: int) -> list[int | None] | None:
    """The numbers of a vector, None for those that are known at run time only."""
    known = editor.constant(node, place)
    if known is not None:
        return [int(number) for number in known]
    source = editor.source(node, place)
    if source is None or source.op != "Pack":
        return None
    count = source.attr["N"].i
    scalars = [editor.constant(source, each) for each in range(count)]
    return [None if scalar is None else int(scalar) for scalar in scalars]


def _in_two_steps(elements: Sequence[_Element], index_type: Any) -> Any:
    fixed = [each if each.is_known else _ALL for each in elements]

    def compute(x: Any, begin: Any, *_: Any) -> Any:
        constants = [each.begin or 0 for each in fixed]
        part = _take(x, fixed, tf.constant(constants, index_type), index_type)
        places, rest = zip(*_rest(elements), strict=True)
        zero = tf.constant(0, index_type)
        indices = [zero if place is None else begin[place] for place in places]
        return _take(part, rest, tf.stack(indices), index_type)

    return compute


def _rest(elements: Sequence[_Element]) -> Iterator[tuple[int | None, _Element]]:
    """What is left to take, with the places of indices that are not known."""
    for place, each in enumerate(elements):
        if not each.is_known:
            yield place, each
        elif each.kind == "ellipsis":
            yield None, each
        elif each.kind != "index":
            yield None, _ALL


def _take(x: Any, elements: Sequence[_Element], begin: Any, index_type: Any) -> Any:
    def mask(chosen: Sequence[bool]) -> int:
        return sum(1 << number for number, each in enumerate(chosen) if each)

    is_index = [each.kind == "index" for each in elements]
    ends = [
        begin[number] + 1
        if each.kind == "index"
        else tf.constant(each.end or 0, index_type)
        for number, each in enumerate(elements)
    ]
    strides = [1 if each.kind == "index" else each.stride for each in elements]
    return tf.raw_ops.StridedSlice(
        input=x,
        begin=begin,
        end=tf.stack(ends),
        strides=tf.constant(strides, index_type),
        begin_mask=mask([e.kind == "range" and e.begin_mask for e in elements]),
        end_mask=mask([e.kind == "range" and e.end_mask for e in elements]),
        ellipsis_mask=mask([each.kind == "ellipsis" for each in elements]),
        new_axis_mask=mask([each.kind == "new_axis" for each in elements]),
        shrink_axis_mask=mask(is_index),
    )
