# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Recognises what is made of random numbers alone: masks of dropout, and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfnative_aot.optimize.scalars import PASSES_ON, scalar

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

_UNIFORM = frozenset(
    {"RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2"}
)
_NORMAL = frozenset(
    {
        "RandomStandardNormal",
        "StatelessRandomNormal",
        "StatelessRandomNormalV2",
        "StatelessTruncatedNormal",
        "StatelessTruncatedNormalV2",
        "TruncatedNormal",
    }
)
_SHAPES = ("Reshape", "ExpandDims", "BroadcastTo", "Squeeze", "Tile")
_ABOVE = ("Greater", "GreaterEqual")
_BELOW = ("Less", "LessEqual")
_MOST_STEPS = 16


@dataclass(frozen=True)
class Random:
    """``scale * random + offset``.

    Attributes:
        is_uniform: Whether the random numbers are uniform in [0, 1), or normal.
        scale: What they are multiplied by.
        offset: What is added.
    """

    is_uniform: bool
    scale: float = 1.0
    offset: float = 0.0

    @property
    def mean(self) -> float:
        """What they are on average."""
        return self.scale * (0.5 if self.is_uniform else 0.0) + self.offset


def random_input(editor: GraphEditor, node: NodeDef, place: int) -> Random | None:
    """What input number ``place`` is, if it is made of random numbers alone."""
    return _random(editor, editor.source(node, place), _MOST_STEPS)


def _random(editor: GraphEditor, node: NodeDef | None, steps: int) -> Random | None:
    if node is None or not steps:
        return None
    if node.op in _UNIFORM or node.op in _NORMAL:
        return Random(node.op in _UNIFORM)
    if node.op in (*PASSES_ON, *_SHAPES):
        return _random(editor, editor.source(node, 0), steps - 1)
    if node.op not in ("Add", "AddV2", "Mul", "Sub"):
        return None
    for place in (0, 1):
        value = scalar(editor, node, 1 - place)
        if value is None:
            continue
        found = _random(editor, editor.source(node, place), steps - 1)
        if found is None or (node.op == "Sub" and place == 1):
            return None
        if node.op == "Mul":
            return Random(found.is_uniform, found.scale * value, found.offset * value)
        added = -value if node.op == "Sub" else value
        return Random(found.is_uniform, found.scale, found.offset + added)
    return None


def kept_share(editor: GraphEditor, node: NodeDef | None) -> float | None:
    """Which share of elements a mask of random zeros and ones keeps, if it is one.

    Args:
        editor: The graph.
        node: What may be a mask, of floats or of truth values.
    """
    for _ in range(_MOST_STEPS):
        if node is None or node.op not in (*PASSES_ON, *_SHAPES):
            break
        node = editor.source(node, 0)
    if node is None:
        return None
    if node.op == "Floor":
        found = random_input(editor, node, 0)
        if found is None or not found.is_uniform or found.scale != 1:
            return None
        return found.offset if 0 < found.offset <= 1 else None
    if node.op not in (*_ABOVE, *_BELOW):
        return None
    found, limit = random_input(editor, node, 0), scalar(editor, node, 1)
    is_plain = found is not None and (found.is_uniform, found.scale, found.offset) == (
        True,
        1,
        0,
    )
    if not is_plain or limit is None or not 0 <= limit <= 1:
        return None
    return 1 - limit if node.op in _ABOVE else limit
