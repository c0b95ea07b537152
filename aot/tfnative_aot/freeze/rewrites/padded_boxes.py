# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses a fixed number of boxes where a graph pads those that are found.

NonMaxSuppressionV3 and its kin give as many boxes as they find, which is no size that
can be compiled. Many graphs fill them up at once, or what they gather by them: then the
padded op, which counts what it finds, gives the same, if what is behind the count is
put in again at the end.

That a graph fills up to the same size, whatever is found, is not read off its ops. It
is tried for every number of boxes that may be found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.rule import element_type
from tfnative_aot.freeze.static_shapes import without_weights

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

OPS = tuple(f"NonMaxSuppressionV{version}" for version in (2, 3, 4, 5))
"""Those that may give as many boxes as they find."""

_MOST = 10_000
"""Boxes; more are not tried."""
_PASS_ON = frozenset({"Cast", "Identity"})
_SIZES = frozenset({"Shape", "Size"})
_COUNTS = {"NonMaxSuppressionV4": 1, "NonMaxSuppressionV5": 2}  # Which output it is.
_LOWEST = float(np.finfo(np.float32).min)  # V2's threshold of scores.


def pad_boxes(editor: GraphEditor) -> None:
    """Replaces ops whose results are filled up to one size."""
    for node in editor.nodes(*OPS):
        size = editor.constant(node, 2)
        is_float = element_type(node) == tf.float32 if "T" in node.attr else True
        if node.attr["pad_to_max_output_size"].b or size is None or not is_float:
            continue
        if 0 < int(size) <= _MOST:
            _try(editor, node, int(size))


def _try(editor: GraphEditor, node: NodeDef, size: int) -> None:
    found = _Found.of(editor, node)
    if found is None:
        return
    ends = found.filled(editor, size)
    if ends is None:
        return
    count = _pad(editor, node)
    for asking in found.sizes:
        _replace(editor, asking, [asking.input[0], count], _size_of(asking))
    for end, value in zip(found.ends, ends, strict=True):
        _replace(editor, end.node, [end.tensor, count], _filled(size, value))


@dataclass(frozen=True)
class _End:
    """A node that fills up, what of, and what it takes for that."""

    node: NodeDef
    tensor: str
    filling: str


@dataclass
class _Found:
    """All that has as many elements as there are boxes.

    Attributes:
        node: The node that finds them.
        sizes: Nodes that ask how many.
        ends: Nodes that fill up.
    """

    node: NodeDef
    sizes: list[NodeDef]
    ends: list[_End]

    @classmethod
    def of(cls, editor: GraphEditor, node: NodeDef) -> _Found | None:
        """What comes of a node's boxes; None if something else than filling up."""
        if editor.is_output(node):
            return None
        found = cls(node, [], [])
        waiting = [node.name]
        if node.op == "NonMaxSuppressionV5":
            waiting.append(f"{node.name}:1")
        seen: set[str] = set()
        while waiting:
            tensor = waiting.pop()
            if tensor in seen:
                continue
            seen.add(tensor)
            for reader, place in _readers(editor, tensor):
                if reader.op in _PASS_ON or _gathers(editor, reader, place):
                    if editor.is_output(reader):
                        return None
                    waiting.append(reader.name)
                elif reader.op in _SIZES:
                    found.sizes.append(reader)
                elif (filling := _filling(editor, reader, place)) is not None:
                    found.ends.append(_End(reader, tensor, filling))
                else:
                    return None
        return found if found.ends else None

    def filled(self, editor: GraphEditor, size: int) -> list[Any] | None:
        """What each end fills up with; None if it is not to one size, or not known."""
        with tf.Graph().as_default() as graph:
            light = without_weights(editor.graph_def())
            tf.graph_util.import_graph_def(light, name="")
        fillings = [graph.get_tensor_by_name(_full(end.filling)) for end in self.ends]
        values: list[set[Any]] = [set() for _ in self.ends]
        with tf.compat.v1.Session(graph=graph) as session:
            for count in range(size + 1):
                feeds = self._sizes(graph, count)
                try:
                    given = session.run(fillings, feeds)
                # It depends on what is not known here; whatever TensorFlow raises.
                except Exception:
                    return None
                for end, filling, known in zip(self.ends, given, values, strict=True):
                    value = _value(editor, end.node, filling, size - count)
                    if value is None:
                        return None
                    known.update(value)
        if all(len(known) <= 1 for known in values):
            return [known.pop() if known else 0 for known in values]
        return None

    def _sizes(self, graph: Any, count: int) -> dict[Any, Any]:
        """What is said of a number of boxes that are found."""
        feeds: dict[Any, Any] = {}
        if self.node.op in _COUNTS:
            feeds[graph.get_tensor_by_name(_count(self.node))] = count
        for node in self.sizes:
            asked = graph.get_tensor_by_name(f"{node.name}:0")
            rest = asked.op.inputs[0].shape[1:]
            if rest.is_fully_defined():
                sizes = [count, *rest.as_list()]
                feeds[asked] = math.prod(sizes) if node.op == "Size" else sizes
        return feeds


def _value(
    editor: GraphEditor, node: NodeDef, filling: Any, missing: int
) -> set[Any] | None:
    """What is filled in for ``missing`` boxes, none or one value; None if not so."""
    if node.op == "ConcatV2":
        axis = editor.constant(node, 2)
        if filling.shape[0] != missing or (axis != 0 and filling.ndim > 1):
            return None
        return set(np.unique(filling).tolist())
    rows = np.zeros_like(filling)
    rows[0, 1] = missing
    if not np.array_equal(filling, rows):
        return None
    value = editor.constant(node, 2) if node.op == "PadV2" else np.zeros([], int)
    return None if value is None else {value.item()}


def _readers(editor: GraphEditor, tensor: str) -> Iterator[tuple[NodeDef, int]]:
    name, _, index = tensor.partition(":")
    readers = {node.name: node for node in editor.readers(editor.node(name))}
    for reader in readers.values():
        for place, source in enumerate(reader.input):
            if _full(source) == f"{name}:{index or 0}":
                yield reader, place


def _gathers(editor: GraphEditor, node: NodeDef, place: int) -> bool:
    """Whether a node gathers rows by the numbers of boxes."""
    if node.op != "GatherV2" or place != 1 or node.attr["batch_dims"].i:
        return False
    axis = editor.constant(node, 2)
    return axis is not None and int(axis) == 0


def _filling(editor: GraphEditor, node: NodeDef, place: int) -> str | None:
    """What a node fills up with or by, if it fills up its input number ``place``."""
    if place != 0:
        return None
    if node.op in ("Pad", "PadV2"):
        return str(node.input[1])
    if node.op == "ConcatV2" and node.attr["N"].i == 2:
        axis = editor.constant(node, 2)  # -1 if they are vectors.
        return str(node.input[1]) if axis in (0, -1) else None
    return None


def _full(tensor: str) -> str:
    return tensor if ":" in tensor else f"{tensor}:0"


def _pad(editor: GraphEditor, node: NodeDef) -> str:
    """Makes a node the padded op; returns the tensor that says how many it found."""
    inputs = list(node.input)
    if node.op == "NonMaxSuppressionV2":
        value = np.array(_LOWEST, np.float32)
        inputs.append(editor.add_constant(f"{node.name}/least", value, node))
    if node.op != "NonMaxSuppressionV5":
        types = {"T": tf.float32.as_datatype_enum}
        types["T_threshold"] = (
            node.attr["T_threshold"].type
            if "T_threshold" in node.attr
            else tf.float32.as_datatype_enum
        )
        editor.become(node, "NonMaxSuppressionV4", inputs, types)
    node.attr["pad_to_max_output_size"].b = True
    return _count(node)


def _count(node: NodeDef) -> str:
    """The tensor that says how many boxes are found."""
    return f"{node.name}:{_COUNTS[node.op]}"


def _replace(
    editor: GraphEditor, node: NodeDef, inputs: list[str], function: Callable[..., Any]
) -> None:
    """Puts a function of other inputs, the last of which is the count, in its place."""
    dtype = element_type(node) if "T" in node.attr else tf.int32
    editor.become(node, node.op, inputs, {"T": dtype.as_datatype_enum})
    specs = [tf.TensorSpec(None, dtype), tf.TensorSpec([], tf.int32)]
    editor.replace(node, function, specs)


def _size_of(node: NodeDef) -> Callable[..., Any]:
    """What a node that asks for sizes says of what was found."""
    out_type, is_shape = element_type(node, "out_type"), node.op == "Shape"

    def size(padded: Any, count: Any) -> Any:
        rest = tf.shape(padded)[1:]
        if not is_shape:
            return tf.cast(count * tf.reduce_prod(rest), out_type)
        return tf.cast(tf.concat([tf.reshape(count, [1]), rest], 0), out_type)

    return size


def _filled(size: int, value: Any) -> Callable[..., Any]:
    def fill(padded: Any, count: Any) -> Any:
        ones = tf.ones([tf.rank(padded) - 1], tf.int32)
        is_found = tf.reshape(tf.range(size) < count, tf.concat([[size], ones], 0))
        return tf.where(is_found, padded, tf.constant(value, padded.dtype))

    return fill
