# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses what of a large graph is shown where something changed: as a diff does."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping

from tfnative_aot.draw.shown import ShownNode

MOST_SHOWN = 48
"""Of the nodes of a large graph; smaller ones are shown as a whole."""
_Neighbours = Mapping[str, set[str]]


def group(
    nodes: Mapping[str, ShownNode],
    inputs: Collection[str],
    most: int = MOST_SHOWN,
) -> dict[str, str]:
    """Which box each node shares that neither changed nor is near to what did.

    Changes are shown from the inputs on, as long as there is room. What is left is one
    box for all that hangs together.

    Args:
        nodes: The nodes, some of them with marks.
        inputs: Those that are inputs, which are always shown.
        most: How many nodes are shown if there are more.
    """
    if len(nodes) <= most:
        return {}
    neighbours = _neighbours(nodes)
    shown: set[str] = set(inputs)
    for key in _in_order(nodes, neighbours, inputs):
        place = {key, *neighbours[key]} - shown
        if nodes[key].mark and len(shown) + len(place) <= most:
            shown |= place
    return _components(nodes, neighbours, shown)


def _neighbours(nodes: Mapping[str, ShownNode]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {key: set() for key in nodes}
    for key, node in nodes.items():
        for ref in node.inputs:
            found[key].add(ref.node)
            found[ref.node].add(key)
    return found


def _in_order(
    nodes: Mapping[str, ShownNode], neighbours: _Neighbours, inputs: Collection[str]
) -> list[str]:
    """All nodes, by how far they are from the inputs."""
    seen: dict[str, None] = {}
    for start in (*inputs, *nodes):
        waiting = deque([start])
        while waiting:
            key = waiting.popleft()
            if key not in seen:
                seen[key] = None
                waiting.extend(sorted(neighbours[key]))
    return list(seen)


def _components(
    nodes: Mapping[str, ShownNode], neighbours: _Neighbours, shown: Collection[str]
) -> dict[str, str]:
    """A box for all nodes that hang together without those that are shown."""
    boxes: dict[str, str] = {}
    for key in nodes:
        if key in shown or key in boxes:
            continue
        waiting = [key]
        while waiting:
            at = waiting.pop()
            if at not in shown and at not in boxes:
                boxes[at] = f"group {key}"
                waiting.extend(neighbours[at])
    members = Counter(boxes.values())
    return {key: box for key, box in boxes.items() if members[box] > 1}
