# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What Google's Model Explorer is given, read by its own package."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from tests.python.draw.drawn import graphs, loop_program
from tests.python.draw.model_explorer_classes import Read, model_explorer_classes
from tfnative._draw.compiled import Measured, draw_program
from tfnative._draw.graph import DrawnGraph, DrawnNode
from tfnative._draw.model_explorer import to_graphs, to_node_data

TIMES = {0: Measured(3.0, 0.75), 3: Measured(1.0, 0.25)}


@pytest.fixture(scope="module")
def read() -> Read:
    return model_explorer_classes()


def test_its_package_reads_the_graph(read: Read):
    graph = draw_program(loop_program(), "net")
    found = read("GraphCollection", to_graphs("net", [graph]))
    assert found.label == "net"
    (drawn,) = found.graphs
    assert [node.id for node in drawn.nodes] == [node.id for node in graph.nodes]
    (product,) = (node for node in drawn.nodes if node.id == "step0")
    assert product.namespace == "model/dense"
    assert {a.key: a.value for a in product.attrs}["kernel"] == "matrix product"
    assert [edge.sourceNodeId for edge in product.incomingEdges] == ["in0"]


def test_its_package_reads_the_times(read: Read):
    graph = draw_program(loop_program(), "net", TIMES)
    data = read("GraphNodeData", to_node_data(graph))
    values = {key: result.value for key, result in data.results.items()}
    of_steps = {"step0": 3.0, "step3": 1.0}
    assert values == of_steps | {"model/dense/BiasAdd": 3.0, "while/add": 1.0}
    assert (data.gradient[0].stop, data.gradient[-1].stop) == (0, 1)


@given(graphs())
def test_its_package_reads_every_graph(read: Read, graph: DrawnGraph):
    (drawn,) = read("GraphCollection", to_graphs(graph.title, [graph])).graphs
    assert [node.label for node in drawn.nodes] == [n.title for n in graph.nodes]
    assert [node.namespace for node in drawn.nodes] == [n.scope for n in graph.nodes]
    assert read("GraphNodeData", to_node_data(graph)).results == {}


def test_what_comes_from_one_node_is_summed():
    def box(key: str, origin: str, value: float | None) -> DrawnNode:
        return DrawnNode(key, "x", "other", value=value, origin=origin)

    nodes = (box("a", "n", 1), box("b", "n", 2), box("c", "a", 4), box("d", "m", None))
    graph = DrawnGraph("g", "g", (), nodes, ())
    results = json.loads(to_node_data(graph))["results"]
    values = {key: result["value"] for key, result in results.items()}
    assert values == {"a": 1, "b": 2, "c": 4, "n": 3}


@given(graphs())
def test_every_arrow_comes_from_a_node_of_the_graph(graph: DrawnGraph):
    (drawn,) = json.loads(to_graphs(graph.title, [graph]))["graphs"]
    ids = [node["id"] for node in drawn["nodes"]]
    assert len(ids) == len(set(ids))
    sources = {e["sourceNodeId"] for n in drawn["nodes"] for e in n["incomingEdges"]}
    assert sources <= set(ids)
    assert sum(len(n["incomingEdges"]) for n in drawn["nodes"]) == len(graph.edges)
