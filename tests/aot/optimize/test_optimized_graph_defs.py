# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What comes from a GraphDef, or is written as one, keeps its names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.aot.optimize.plain_tensorflow import run_with_tensorflow
from tests.conftest import Export
from tests.models import ZOO
from tests.models.training import queue_at_the_input
from tfnative.errors import InvalidArgumentError
from tfnative_aot.optimize.write import check_target


def test_a_queue_at_the_input_becomes_a_placeholder(tmp_path: Path):
    path = queue_at_the_input(tmp_path / "net.pb")
    small = tmp_path / "small.pb"
    done = tfnative.optimize(
        path,
        small,
        format="graphdef",
        inputs={"x": "batch:0"},
        outputs={"y": "y:0"},
        representative_data={"x": np.eye(5, dtype=np.float32)},
    )
    assert not [op for op in done.steps[-1].ops if "Queue" in op]
    assert done.steps[-1].ops["Placeholder"] == 1
    graph_def = tf.compat.v1.GraphDef.FromString(small.read_bytes())
    with (
        tf.Graph().as_default() as graph,
        tf.compat.v1.Session(graph=graph) as session,
    ):
        tf.graph_util.import_graph_def(graph_def, name="")
        feeds = {done.inputs["serving_default"]["x"]: np.ones((2, 5), np.float32)}
        assert session.run(done.outputs["serving_default"]["y"], feeds).shape == (2, 3)


def test_a_graph_def_keeps_the_names_of_its_inputs_and_outputs(
    export: Export, tmp_path: Path
):
    case = ZOO["graphdef"]
    done = tfnative.optimize(
        export(case),
        tmp_path / "small.pb",
        format="graphdef",
        inputs=case.graph_inputs,
        outputs=case.graph_outputs,
    )
    for path, size in ((export(case), done.given), (done.output, done.written)):
        graph_def = tf.compat.v1.GraphDef.FromString(path.read_bytes())
        bodies = [f.node_def for f in graph_def.library.function]
        assert size.nodes == sum(map(len, [graph_def.node, *bodies]))
        assert size.bytes == path.stat().st_size
    assert done.inputs == {"serving_default": {"image": "x:0"}}
    assert done.outputs["serving_default"] == {
        "logits": "logits:0",
        "largest": "largest:0",
    }
    text = tmp_path / "small.pbtxt"
    for _ in range(2):  # It may be replaced.
        tfnative.optimize(
            export(case),
            text,
            format="graphdef",
            inputs=case.graph_inputs,
            outputs=case.graph_outputs,
            transforms="remove_device",
        )
        assert text.read_text().startswith("node {")
    again = tfnative.optimize(
        done.output,
        tmp_path / "saved",
        inputs=case.graph_inputs,
        outputs=case.graph_outputs,
    )
    assert again.given == done.written
    files = [path for path in again.output.rglob("*") if path.is_file()]
    assert again.written.bytes == sum(path.stat().st_size for path in files)
    assert again.written.bytes > again.steps[-1].bytes
    inputs = case.inputs(4, np.random.default_rng(1))
    found = run_with_tensorflow(again.output, "serving_default", inputs)
    expected = tfnative.compile(export(case), tmp_path / "c", **case.options())
    for name, array in tfnative.load(expected).predict(inputs).items():
        np.testing.assert_allclose(found[name], array, atol=1e-4)


@pytest.mark.parametrize("format", ["graphdef", "saved_model"])
@pytest.mark.parametrize("place", ["/dev/zero", "/dev/full", "pipe", "/dev/stdout"])
def test_no_model_is_written_to_a_device(
    format: str,  # noqa: A002
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with pytest.raises(InvalidArgumentError, match="is a device, pipe or socket"):
        check_target(Path(place), Path("net.pb"), format)
