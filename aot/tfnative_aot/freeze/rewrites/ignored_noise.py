# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes zeros of random numbers that are multiplied with zero, or never chosen.

Such is noise that a flag switches on in training, without a branch: ``where(training,
x + noise, x)``, ``x + noise * training``. Shapes stay as they are, and no result
changes: a finite number times zero is zero. What might overflow may be infinite, and is
left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfnative_aot import adapters
from tfnative_aot.freeze.static_shapes import without_weights
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

_SELECT = ("Select", "SelectV2")
_NOISE = re.compile(
    "(Stateless)?(Random(Uniform|Normal|StandardNormal)|TruncatedNormal)(V2)?"
)
# Of noise these make finite numbers, or what they would make of zeros as well.
_TAME = frozenset(
    "Add AddV2 BroadcastTo ExpandDims Identity Neg Reshape Squeeze Sub".split()
)
_WILD = ("Cast", "Mul")
_LARGEST_FACTOR = 1e6
_SIZES = ("Rank", "Shape", "Size")


def forget_ignored_noise(editor: GraphEditor) -> None:
    """Makes zeros of all random numbers whose values no result has."""
    noise = [node for node in editor.nodes() if _is_noise(node)]
    if not noise:
        return
    deciding = [(node, node.input[0]) for node in editor.nodes(*_SELECT)]
    for node in editor.nodes("Mul"):
        deciding += [(node, node.input[0]), (node, node.input[1])]
    known = _known(editor, {tensor for _, tensor in deciding})
    for node in noise:
        if _is_ignored(editor, node, known):
            _become_zeros(editor, node)


def _is_noise(node: NodeDef) -> bool:
    """Whether it draws real numbers of a shape that is its first input."""
    if not _NOISE.fullmatch(node.op):
        return False
    return bool(tf.dtypes.as_dtype(node.attr["dtype"].type).is_floating)


def _known(editor: GraphEditor, tensors: Iterable[str]) -> dict[str, Any]:
    """The one value that all elements of a tensor have, of those that are constant."""
    found = {}
    with tf.Graph().as_default() as graph:
        light = without_weights(editor.graph_def())
        tf.graph_util.import_graph_def(light, name="")
        for name in tensors:
            try:
                full = name if ":" in name else f"{name}:0"
                tensor = graph.get_tensor_by_name(full)
            except KeyError:  # No output needs it.
                continue
            value = adapters.tf().inferred_value(tensor)
            if value is not None and value.size and np.all(value == value.flat[0]):
                found[name] = value.flat[0]
    return found


def _is_ignored(editor: GraphEditor, node: NodeDef, known: dict[str, Any]) -> bool:
    waiting, seen = [(node, True)], {(node.name, True)}
    while waiting:
        at, is_finite = waiting.pop()
        if editor.is_output(at):
            return False
        for reader in editor.readers(at):
            places = [
                place
                for place, name in enumerate(reader.input)
                if not name.startswith("^") and node_of(name) == at.name
            ]
            if reader.op in _SIZES or _drops(reader, places, known, is_finite):
                continue
            if reader.op not in _TAME and reader.op not in _WILD:
                return False
            stays = is_finite and _stays_finite(reader, places, known)
            if (reader.name, stays) not in seen:
                seen.add((reader.name, stays))
                waiting.append((reader, stays))
    return True


def _stays_finite(node: NodeDef, places: list[int], known: dict[str, Any]) -> bool:
    if node.op == "Mul" and len(places) == 1:
        factor = known.get(node.input[1 - places[0]])
        return factor is not None and abs(factor) <= _LARGEST_FACTOR
    return node.op in _TAME


def _drops(
    node: NodeDef, places: list[int], known: dict[str, Any], is_finite: bool
) -> bool:
    """Whether a node gives the same whatever is at these inputs."""
    if node.op in _SELECT and node.input[0] in known:
        unread = 2 if known[node.input[0]] else 1
        return places == [unread]
    if node.op == "Mul" and len(places) == 1 and is_finite:
        other = node.input[1 - places[0]]
        return other in known and known[other] == 0
    return False


def _become_zeros(editor: GraphEditor, node: NodeDef) -> None:
    dtype = node.attr["dtype"].type
    sizes = node.attr["Tshape" if "Tshape" in node.attr else "T"].type
    kind = tf.dtypes.as_dtype(dtype).as_numpy_dtype
    zero = editor.add_constant(f"{node.name}/zero", np.zeros((), kind), node)
    editor.become(
        *(node, "Fill", [node.input[0], zero]), {"T": dtype, "index_type": sizes}
    )
