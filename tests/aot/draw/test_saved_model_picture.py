# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of SavedModels of every age, those included that cannot be compiled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models import ZOO, ModelCase
from tfnative._draw.graph import DrawnGraph
from tfnative.cli import main
from tfnative.errors import InvalidArgumentError, NotFoundError
from tfnative_aot.draw.graph_def import draw_graph_def
from tfnative_aot.draw.saved_model import draw_saved_model
from tfnative_aot.draw.scopes import MOST_BOXES

Export = Callable[[ModelCase], Path]

DRAWN = (
    *("mlp", "digits_cnn", "lstm", "transformer", "keras2_lstm", "tf1_loop"),
    *("tf1_ref_variables", "refused_table", "refused_string_output", "cond"),
)
_HIDDEN = {"Const", "Identity", "NoOp", "Placeholder", "ReadVariableOp", "StopGradient"}


def reaches_the_inputs(graph: DrawnGraph, node: str) -> set[str]:
    """Titles of the inputs that a node depends on."""
    seen, waiting = set(), [node]
    while waiting:
        at = waiting.pop()
        seen.add(at)
        waiting += [
            e.source for e in graph.edges if e.target == at and e.source not in seen
        ]
    return {n.title for n in graph.nodes if n.id in seen and n.note == "input"}


@pytest.mark.parametrize("name", DRAWN)
def test_outputs_come_from_the_inputs(export: Export, name: str):
    case = ZOO[name]
    graph = draw_saved_model(export(case), case.signature, ("serve",))
    outputs = [node.id for node in graph.nodes if node.note == "output"]
    assert outputs
    found = set().union(*(reaches_the_inputs(graph, output) for output in outputs))
    assert found == set(case.makers)


@pytest.mark.parametrize("name", ["mlp", "digits_cnn", "transformer"])
def test_the_ops_are_those_that_tensorflow_inlines(export: Export, name: str):
    """TensorFlow's own inlining is the oracle."""
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    path = export(ZOO[name])
    loaded = tf.saved_model.load(str(path))
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        loaded.signatures["serving_default"]
    )
    nodes = frozen.graph.as_graph_def().node
    expected = Counter(node.op for node in nodes if node.op not in _HIDDEN)
    graph = draw_saved_model(path, None, ("serve",))
    assert Counter(n.title for n in graph.nodes if n.family != "port") == expected


def test_constants_are_notes_of_their_readers(export: Export):
    graph = draw_saved_model(export(ZOO["mlp"]), None, ("serve",))
    assert not {node.title for node in graph.nodes} & _HIDDEN
    products = [node for node in graph.nodes if node.title == "MatMul"]
    assert any(
        line.left == "float32[32,64]" and line.right == "8.2 kB"
        for node in products
        for line in node.lines
    )


@pytest.mark.slow
def test_a_large_graph_is_folded_and_says_so(export: Export):
    graph = draw_saved_model(export(ZOO["mobilenet_v2"]), None, ("serve",))
    boxes = [node for node in graph.nodes if node.family != "port"]
    assert 100 < len(boxes) <= MOST_BOXES
    assert any("scopes are folded" in note for note in graph.notes)
    assert any(node.family == "folded" for node in boxes)


def test_what_is_not_there_is_named(export: Export, tmp_path: Path):
    path = export(ZOO["two_signatures"])
    with pytest.raises(NotFoundError, match="no 'nothing'"):
        draw_saved_model(path, "nothing", ("serve",))
    with pytest.raises(InvalidArgumentError, match="no graph with the tags gpu"):
        draw_saved_model(path, None, ("gpu",))
    with pytest.raises(InvalidArgumentError, match="not a SavedModel"):
        draw_saved_model(tmp_path, None, ("serve",))


def test_a_frozen_graph_is_drawn_from_its_placeholders_to_what_nobody_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="image")
        hidden = tf.nn.relu(x @ tf.ones([4, 9]), name="hidden")
        tf.nn.softmax(hidden, name="classes")
        tf.reduce_sum(hidden, name="total")
    path = tmp_path / "net.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    found = draw_graph_def(path)
    named = {node.title for node in found.nodes if node.note == "output"}
    assert named == {"classes", "total"}
    for node in found.nodes:
        if node.note == "output":
            assert reaches_the_inputs(found, node.id) == {"image"}
    assert main(["inspect", str(path), "--graph", str(tmp_path / "net.dot")]) == 0
    assert "MatMul" in (tmp_path / "net.dot").read_text()
    capsys.readouterr()
    command = ["inspect", str(path), "--graph", str(tmp_path / "no.dot")]
    assert main([*command, "--signature", "x"]) == 2
    assert "for models with signatures" in capsys.readouterr().err
