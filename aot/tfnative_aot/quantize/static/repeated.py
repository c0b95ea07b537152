# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Products that share weights and cannot share a range: those of recurrent layers.

Where a recurrent layer is unrolled, each step has products of its own with the same
weights. With ranges of samples, each has a range of its own, and all of the weights are
stored for it again; the first state, which is zero, has none. So these find their
ranges at run time, as those in loops do, which is as fast, and more exact: see
docs/quantize.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.products import PRODUCTS, find_product


def repeated_products(view: GraphView) -> frozenset[str]:
    """Nodes with shared weights of which one reads what another one gives.

    And those of which some cannot have a range of samples: weights would be stored
    twice.
    """
    found: set[str] = set()
    for nodes in _by_weights(view).values():
        if len(nodes) < 2:
            continue
        able = [find_product(view, view.node(name)) for name in nodes]
        if any(each is None for each in able) or _depends(view, nodes):
            found |= nodes
    return frozenset(found)


def _by_weights(view: GraphView) -> Mapping[bytes, set[str]]:
    """By the bytes of weights: each time they are read is a constant once frozen."""
    found: dict[bytes, set[str]] = {}
    for node in view.nodes():
        if node.op in PRODUCTS and node.name not in view.shapes:
            weights = view.node(view.producer(node.input[1]))
            if weights.op == "Const":
                content = weights.attr["value"].tensor.SerializeToString()
                digest = hashlib.sha256(content).digest()
                found.setdefault(digest, set()).add(node.name)
    return found


def _depends(view: GraphView, nodes: Collection[str]) -> bool:
    """Whether one of them needs another one."""
    pending = [given for name in nodes for given in view.node(name).input]
    seen: set[str] = set()
    while pending:
        name = view.producer(pending.pop())
        if name in nodes:
            return True
        if name not in seen:
            seen.add(name)
            pending += view.node(name).input
    return False
