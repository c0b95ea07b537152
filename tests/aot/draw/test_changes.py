# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Two graphs side by side: what changed is marked in both, and is what is shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

from tests.python.draw.graphviz_needed import needs_dot
from tfnative._draw.dot import to_dot
from tfnative._draw.graph import DrawnGraph
from tfnative._draw.render import to_svg
from tfnative_aot.draw.changes import Ends, draw_changes, draw_whole
from tfnative_aot.draw.context import MOST_SHOWN, group
from tfnative_aot.draw.shown import Ref, ShownNode

v1 = tf.compat.v1
ENDS = Ends({"x": "x:0"}, {"y": "y:0"})


def graph_of(network: Callable[[Any], Any]) -> Any:
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        tf.identity(network(x), name="y")
    return graph.as_graph_def()


def weights(seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal((4, 4)).astype(np.float32)


def marks(graph: DrawnGraph) -> dict[str, tuple[str, str]]:
    return {n.details["name"]: (n.mark, n.note) for n in graph.nodes if n.mark}


def changed(before: Any, after: Any, **options: bool) -> tuple[DrawnGraph, DrawnGraph]:
    found = draw_changes(before, after, ENDS, **options)
    assert found is not None
    return found


def test_nodes_are_marked_that_only_one_graph_has():
    before = graph_of(lambda x: tf.nn.relu(tf.exp(x, name="exp"), name="relu"))
    after = graph_of(lambda x: tf.nn.relu(tf.sin(x, name="sin"), name="relu"))
    old, new = changed(before, after)
    assert marks(old) == {"exp": ("gone", "gone")}
    assert marks(new) == {"sin": ("new", "new")}


def test_an_op_that_took_the_name_of_another_says_so():
    before = graph_of(lambda x: tf.exp(x, name="a"))
    after = graph_of(lambda x: tf.sin(x, name="a"))
    old, new = changed(before, after)
    assert marks(old) == {"a": ("changed", "becomes Sin")}
    assert marks(new) == {"a": ("changed", "was Exp")}


def product(x: Any, seed: int) -> Any:
    return tf.matmul(x, tf.identity(weights(seed)), name="p")


def test_other_weights_are_a_change_of_what_reads_them():
    graphs = [graph_of(partial(product, seed=seed)) for seed in (1, 2)]
    assert marks(changed(*graphs)[1]) == {"p": ("changed", "other weights")}
    folded = changed(*graphs, folds_batch_norms=True)[1]
    assert marks(folded) == {"p": ("changed", "batch norm folded in")}


def test_what_only_passes_on_is_drawn_where_it_goes():
    before = graph_of(lambda x: tf.nn.relu(tf.identity(tf.exp(x), name="i")))
    after = graph_of(lambda x: tf.nn.relu(tf.exp(x)))
    assert marks(changed(before, after)[0]) == {"i": ("gone", "gone")}


def test_equal_graphs_have_no_pictures_of_a_change():
    graph = graph_of(lambda x: tf.nn.relu(x @ weights(1)))
    shuffled = type(graph)(versions=graph.versions)
    shuffled.node.extend(reversed(graph.node))
    assert draw_changes(graph, shuffled, ENDS) is None
    assert not marks(draw_whole(graph, ENDS, "all"))


def chain(x: Any, length: int, other: int) -> Any:
    for number in range(length):
        op = tf.sin if number == other else tf.exp
        x = op(x, name=f"block_{number // 10}/n{number}")
    return x


@needs_dot
def test_of_a_large_graph_a_change_is_shown_and_where_it_is():
    graphs = [graph_of(lambda x, o=o: chain(x, 300, o)) for o in (-1, 150)]
    for graph, note in zip(changed(*graphs), ("becomes Sin", "was Exp"), strict=True):
        assert len(graph.nodes) < 10
        assert {n.note for n in graph.nodes if n.mark} == {note}
        names = {n.details.get("name") for n in graph.nodes}
        assert {f"block_{n // 10}/n{n}" for n in (149, 150, 151)} <= names
        hidden = [n.note for n in graph.nodes if n.family == "folded"]
        assert sum(int(note.split()[0]) for note in hidden) == 300 - 3
        assert "changed" in to_svg(to_dot(graph))


@pytest.mark.parametrize("every", [1, 2, 7, 100])
def test_each_node_is_shown_or_in_one_box(every: int):
    size = 400
    nodes = {
        f"n{i}": ShownNode(
            name=f"n{i}",
            op="Exp",
            family="elementwise",
            inputs=(Ref(f"n{i - 1}", 0),) if i else (),
            mark="changed" if i % every == 0 else "",
        )
        for i in range(size)
    }
    boxes = group(nodes, ["n0"])
    shown = nodes.keys() - boxes.keys()
    assert "n0" in shown
    assert any(nodes[key].mark for key in shown)
    assert len(shown) <= MOST_SHOWN + 2
    assert group(dict(list(nodes.items())[:MOST_SHOWN]), ["n0"]) == {}
