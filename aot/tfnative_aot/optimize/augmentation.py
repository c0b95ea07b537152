# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Removes layers that change images at random in training, and pass them on otherwise.

What a layer of Keras computes is in a name scope of its own, which is named after the
layer. Whoever names layers otherwise still writes flips, moves and contrast this way:

    flip:      select(random, reverse(x), x)
    move:      transform(x, random matrix)
    contrast:  (x - mean) * random + mean
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.refusals import draws_numbers, is_handle, is_state
from tfnative_aot.freeze.static_shapes import without_weights
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

_LAYER = re.compile(
    r"(aug_mix|rand_augment|random_(brightness|color_degeneration|color_jitter|contrast"
    r"|elastic_transform|erasing|flip|gaussian_blur|grayscale|hue|invert|perspective"
    r"|posterization|rotation|saturation|sharpness|shear|translation|zoom))(_\d+)*"
)
_SIZES = ("Rank", "Shape", "ShapeN", "Size")
_PASS_ON = ("Identity", "StopGradient")
_FLIPS = ("Reverse", "ReverseV2")
MOVES = ("ImageProjectiveTransformV2", "ImageProjectiveTransformV3")
"""Ops that turn, shift and scale images."""
_VARIABLES = ("VarHandleOp", "ReadVariableOp")
_ADD = ("Add", "AddV2")


def remove_augmentation(editor: GraphEditor) -> int:
    """Lets readers of such layers read what comes in; returns how many."""
    removed = sum(_remove_scope(editor, scope) for scope in _scopes(editor))
    for node in editor.nodes("SelectV2", "Select", *MOVES, *_ADD):
        source = (
            _behind_flip(editor, node)
            or _behind_move(editor, node)
            or _behind_contrast(editor, node)
        )
        if source is not None:
            kind = node.attr["dtype" if node.op in MOVES else "T"].type
            editor.become(node, "Identity", [source], {"T": kind})
            removed += 1
    return removed


def _scopes(editor: GraphEditor) -> list[str]:
    """The name scopes of such layers, the outermost first."""
    found = set()
    for node in editor.nodes():
        parts = node.name.split("/")
        for count, part in enumerate(parts[:-1], 1):
            if _LAYER.fullmatch(part):
                found.add("/".join(parts[:count]))
                break
    return sorted(found)


def in_augmentation(name: str) -> bool:
    """Whether a node is in the name scope of such a layer."""
    return any(_LAYER.fullmatch(part) for part in name.split("/")[:-1])


def _remove_scope(editor: GraphEditor, scope: str) -> bool:
    members = [n for n in editor.nodes() if n.name.startswith(f"{scope}/")]
    names = {node.name for node in members}
    read = {
        tensor.removesuffix(":0")
        for node in members
        for tensor in node.input
        if not tensor.startswith("^")
        and node_of(tensor) not in names
        and _is_data(editor, editor.node(node_of(tensor)))
    }
    results = {node.name for node in members if _is_result(editor, node, names)}
    if len(read) != 1 or len(results) != 1 or not any(map(draws_numbers, members)):
        return False
    (source,), (result,) = read, results
    if not _is_first_output(editor, result):
        return False
    kind = _same_kind(editor, source, result)
    if kind is None:
        return False
    editor.become(editor.node(result), "Identity", [source], {"T": kind})
    return True


def _is_result(editor: GraphEditor, node: NodeDef, inside: Collection[str]) -> bool:
    """Whether others read it; that a seed is counted on is no result."""
    if any(reader.name not in inside for reader in editor.readers(node)):
        return True
    return editor.is_output(node) and not is_state(node) and node.op not in _VARIABLES


def _is_first_output(editor: GraphEditor, name: str) -> bool:
    """Whether all that read a node read its first output."""
    readers = editor.readers(editor.node(name))
    read = {each.removesuffix(":0") for reader in readers for each in reader.input}
    return not any(node_of(each) == name and ":" in each for each in read)


def _is_data(editor: GraphEditor, node: NodeDef) -> bool:
    """Whether it is no constant and no variable, be it passed on."""
    while node.op in _PASS_ON:
        source = editor.source(node, 0)
        if source is None:
            return True
        node = source
    return node.op not in ("Const", *_VARIABLES) and not is_handle(node)


def _same_kind(editor: GraphEditor, first: str, second: str) -> int | None:
    """The element type of two tensors whose shapes are equal; None if they differ."""
    with tf.Graph().as_default() as graph:
        light = without_weights(editor.graph_def())
        tf.graph_util.import_graph_def(light, name="")
        a, b = (_tensor(graph, name) for name in (first, second))
    if a is None or b is None or a.dtype != b.dtype or a.shape.rank is None:
        return None
    if a.shape.rank != b.shape.rank or list(a.shape) != list(b.shape):
        return None
    kind: int = a.dtype.as_datatype_enum
    return kind


def _tensor(graph: Any, name: str) -> Any:
    try:
        return graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
    except KeyError:  # It is gone with a scope around it.
        return None


def _behind_flip(editor: GraphEditor, node: NodeDef) -> str | None:
    if node.op not in ("Select", "SelectV2") or not is_random(editor, node.input[0]):
        return None
    for flipped, plain in ((1, 2), (2, 1)):
        source = editor.source(node, flipped)
        if source is None or source.op not in _FLIPS:
            continue
        if node_of(source.input[0]) == node_of(node.input[plain]):
            return str(node.input[plain])
    return None


def _behind_move(editor: GraphEditor, node: NodeDef) -> str | None:
    if node.op not in MOVES or not is_random(editor, node.input[1]):
        return None
    if not _has_the_size_of(editor, node, node.input[0]):
        same = _same_kind(editor, node.input[0], node.name)
        return None if same is None else str(node.input[0])
    return str(node.input[0])


def _has_the_size_of(editor: GraphEditor, node: NodeDef, image: str) -> bool:
    """Whether a node makes images of the size that these have: ``shape(x)[1:3]``."""
    cut = editor.source(node, 2)
    if cut is None or cut.op != "StridedSlice":
        return False
    shape = editor.source(cut, 0)
    if shape is None or shape.op != "Shape":
        return False
    begin, end, step = (
        None if bound is None else bound.tolist()
        for bound in (editor.constant(cut, place) for place in (1, 2, 3))
    )
    is_middle = begin in ([1], [-3]) and end in ([3], [-1]) and step == [1]
    return is_middle and shape.input[0].removesuffix(":0") == image.removesuffix(":0")


def _behind_contrast(editor: GraphEditor, node: NodeDef) -> str | None:
    if node.op not in _ADD:
        return None
    for place in (0, 1):
        product, mean = editor.source(node, place), node.input[1 - place]
        if product is None or product.op != "Mul":
            continue
        for inner in (0, 1):
            centred = editor.source(product, inner)
            if centred is None or centred.op != "Sub" or centred.input[1] != mean:
                continue
            # Random numbers are brought into a range like this, too, without a mean.
            is_mean = _is_mean_of(editor, node, 1 - place, centred.input[0])
            if is_mean and is_random(editor, product.input[1 - inner]):
                return str(centred.input[0])
    return None


def _is_mean_of(editor: GraphEditor, node: NodeDef, place: int, image: str) -> bool:
    """Whether an input of a node is the mean of an image, over one axis or more."""
    source = editor.source(node, place)
    found = False
    while source is not None and source.op in ("Mean", *_PASS_ON):
        found |= source.op == "Mean"
        if found and node_of(source.input[0]) == node_of(image):
            return True
        source = editor.source(source, 0)
    return False


def is_random(editor: GraphEditor, tensor: str) -> bool:
    """Whether a tensor is made of random numbers, constants and sizes alone."""
    found = False
    for node in _origins(editor, tensor):
        if draws_numbers(node):
            found = True
        elif node.op != "Const" and node.op not in _SIZES:
            return False
    return found


def _origins(editor: GraphEditor, tensor: str) -> Iterator[NodeDef]:
    """What a tensor is computed from: what reads nothing, random numbers and sizes."""
    waiting, seen = [node_of(tensor)], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = editor.node(name)
        sources = [node_of(n) for n in node.input if not n.startswith("^")]
        if not sources or node.op in _SIZES or draws_numbers(node):
            yield node
        else:
            waiting.extend(sources)
