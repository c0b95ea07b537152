# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs and times as Google's Model Explorer reads them: two kinds of JSON files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tfnative._draw.families import FAMILIES, heat_colour
from tfnative._draw.graph import DrawnEdge, DrawnGraph, DrawnNode

_STOPS = (0.0, 0.25, 0.5, 0.75, 1.0)


def to_graphs(label: str, graphs: Sequence[DrawnGraph]) -> str:
    """The file of a collection of graphs: name scopes become layers that unfold."""
    content = {"label": label, "graphs": [_graph(graph) for graph in graphs]}
    return json.dumps(content, indent=1)


def to_node_data(graph: DrawnGraph) -> str:
    """The file of what was measured at the nodes of a graph.

    It suits the graph of the SavedModel, too: nodes of TensorFlow have the sum of the
    steps that come from them.
    """
    results: dict[str, float] = {}
    for node in graph.nodes:
        if node.value is not None and node.origin:
            results[node.origin] = results.get(node.origin, 0.0) + node.value
    own = {node.id: node.value for node in graph.nodes if node.value is not None}
    content = {
        "name": f"time ({graph.measured})",
        "results": {key: {"value": value} for key, value in (results | own).items()},
        "gradient": [{"stop": stop, "bgColor": heat_colour(stop)} for stop in _STOPS],
    }
    return json.dumps(content, indent=1)


def _graph(graph: DrawnGraph) -> dict[str, Any]:
    incoming: defaultdict[str, list[DrawnEdge]] = defaultdict(list)
    for edge in graph.edges:
        incoming[edge.target].append(edge)
    notes = {f"note {i + 1}": note for i, note in enumerate(graph.notes)}
    return {
        "id": graph.id,
        "nodes": [_node(node, incoming[node.id]) for node in graph.nodes],
        "groupNodeAttributes": {"": {"title": graph.title, **notes}},
    }


def _node(node: DrawnNode, incoming: Sequence[DrawnEdge]) -> dict[str, Any]:
    family = FAMILIES[node.family]
    return {
        "id": node.id,
        "label": node.title,
        "namespace": node.scope,
        "attrs": [
            {"key": key, "value": value} for key, value in node.details.items() if value
        ],
        "incomingEdges": [
            {
                "sourceNodeId": edge.source,
                "sourceNodeOutputId": "0",
                "targetNodeInputId": str(index),
            }
            for index, edge in enumerate(incoming)
        ],
        "inputsMetadata": [
            {"id": str(index), "attrs": [{"key": "shape", "value": edge.label}]}
            for index, edge in enumerate(incoming)
        ],
        "style": {"backgroundColor": family.fill, "borderColor": family.stroke},
    }
