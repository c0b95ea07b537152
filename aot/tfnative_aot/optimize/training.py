# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Removes what only training needs: dropout and noise, as they are written.

    TensorFlow 1:  x / keep * floor(keep + random)
    later:         x * scale * cast(random >= rate)
    Keras:         select(random >= rate, x * scale, 0)
    noise:         x + deviation * normal,  x * (1 + deviation * normal)
    AlphaDropout:  a * (x * mask + alpha * (1 - mask)) + b

Augmentation of images is ``augmentation.py``'s. Summaries, gradients, savers and queues
are no part of what outputs need, and are gone before this.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tfnative_aot.freeze.dead_effects import drop_dead_effects
from tfnative_aot.freeze.rewrites.bodies import rewrite_bodies
from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.optimize.augmentation import MOVES, remove_augmentation
from tfnative_aot.optimize.kept_checks import with_checks
from tfnative_aot.optimize.noise import kept_share, random_input
from tfnative_aot.optimize.scalars import scalar

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_ADD = ("Add", "AddV2")
_DIVIDE = ("Div", "RealDiv")
_SELECT = ("Select", "SelectV2")
_REMOVED = ("Mul", "Sub", *_ADD, *_SELECT)
_ALPHA = -1.7580993408473766  # What SELU makes of large negative numbers.
_MOST_FACTORS = 4
_TOLERANCE = 1e-3  # Half precision has written some of these numbers.


@dataclass(frozen=True)
class _Factor:
    """A factor of a product, as an input of a node, and of what it is the inverse."""

    node: NodeDef
    place: int


def without_training(graph_def: GraphDef, roots: Collection[str]) -> GraphDef:
    """The graph without dropout, noise and augmentation, also in loops and branches.

    Args:
        graph_def: The graph, with calls inlined.
        roots: Names of the nodes that are fed or fetched.

    Raises:
        CompileError: What it checks would be lost.
    """
    editor = GraphEditor(graph_def, roots)
    remove_training_nodes(editor)
    changed = editor.graph_def()
    rewrite_bodies(changed, (*_REMOVED, *MOVES), remove_training_nodes)
    return with_checks(graph_def, drop_dead_effects(changed, roots), roots)


def remove_training_nodes(editor: GraphEditor) -> None:
    """Lets readers of dropout, noise and augmentation read what comes in."""
    remove_augmentation(editor)
    for node in editor.nodes(*_REMOVED):
        source = (
            _behind_alpha_dropout(editor, node)
            or _behind_noise(editor, node)
            or _behind_dropout(editor, node)
        )
        if source is not None:
            dtype = node.attr["T"].type
            editor.become(node, "Identity", [source], {"T": dtype})


def _behind_noise(editor: GraphEditor, node: NodeDef) -> str | None:
    """What noise of this mean is added to, or multiplied with."""
    if node.op not in ("Mul", *_ADD):
        return None
    for place in (0, 1):
        found = random_input(editor, node, place)
        if found is None or scalar(editor, node, 1 - place) is not None:
            continue
        neutral = 1 if node.op == "Mul" else 0
        is_noise = abs(found.mean - neutral) < _TOLERANCE
        if is_noise and random_input(editor, node, 1 - place) is None:
            return str(node.input[1 - place])
    return None


def _behind_dropout(editor: GraphEditor, node: NodeDef) -> str | None:
    if node.op in _SELECT:
        kept = kept_share(editor, editor.source(node, 0))
        zeros = editor.constant(node, 2)
        if kept is None or zeros is None or np.any(zeros):
            return None
        return _unscaled(editor, _Factor(node, 1), kept)
    if node.op != "Mul":
        return None
    for place in (0, 1):
        kept = kept_share(editor, editor.source(node, place))
        if kept is not None:
            return _unscaled(editor, _Factor(node, 1 - place), kept)
    return _behind_scaled_mask(editor, node)


def _behind_scaled_mask(editor: GraphEditor, node: NodeDef) -> str | None:
    """What is multiplied with a mask that was scaled before."""
    for place in (0, 1):
        mask = editor.source(node, place)
        if mask is None or mask.op not in ("Mul", *_DIVIDE):
            continue
        for inner, scale in _scaled(editor, mask):
            kept = kept_share(editor, editor.source(mask, inner))
            if kept and _is_one(kept * scale):
                return str(node.input[1 - place])
    return None


def _unscaled(editor: GraphEditor, factor: _Factor, kept: float) -> str | None:
    """What was scaled so that its mean stays when only a share of it is kept."""
    scale = 1.0
    for _ in range(_MOST_FACTORS):
        if _is_one(kept * scale):
            return str(factor.node.input[factor.place])
        source = editor.source(factor.node, factor.place)
        if source is None:
            return None
        if source.op == "Identity":
            factor = _Factor(source, 0)
            continue
        found = next(_scaled(editor, source), None)
        if found is None:
            return None
        factor, scale = _Factor(source, found[0]), scale * found[1]
    return None


def _scaled(editor: GraphEditor, node: NodeDef) -> Iterator[tuple[int, float]]:
    """Which input of a node is scaled, and by what number."""
    if node.op == "Mul":
        for place in (0, 1):
            value = scalar(editor, node, 1 - place)
            if value is not None:
                yield place, value
    if node.op in _DIVIDE:
        value = scalar(editor, node, 1)
        if value:
            yield 0, 1 / value


def _behind_alpha_dropout(editor: GraphEditor, node: NodeDef) -> str | None:
    if node.op not in ("Sub", *_ADD):
        return None
    product = editor.source(node, 0)
    if product is None or product.op != "Mul" or scalar(editor, node, 1) is None:
        return None
    for place, _ in _scaled(editor, product):
        total = editor.source(product, place)
        if total is None or total.op not in _ADD:
            continue
        left, right = editor.source(total, 0), editor.source(total, 1)
        if left is None or right is None or not _is_alpha_of_dropped(editor, right):
            continue
        if left.op == "Mul":
            for inner in (0, 1):
                if kept_share(editor, editor.source(left, 1 - inner)) is not None:
                    return str(left.input[inner])
    return None


def _is_alpha_of_dropped(editor: GraphEditor, node: NodeDef) -> bool:
    """Whether it is ``alpha * (1 - mask)``."""
    if node.op != "Mul":
        return False
    for place, value in _scaled(editor, node):
        dropped = editor.source(node, place)
        if dropped is None or dropped.op != "Sub" or abs(value - _ALPHA) > _TOLERANCE:
            continue
        if kept_share(editor, editor.source(dropped, 1)) is not None:
            return scalar(editor, dropped, 0) == 1
    return False


def _is_one(value: float) -> bool:
    return math.isclose(value, 1, rel_tol=_TOLERANCE)
