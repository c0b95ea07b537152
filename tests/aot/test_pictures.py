# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of real compiled models."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

import tfnative
from tests.models import ZOO
from tests.python.draw.graphviz_needed import needs_dot
from tests.python.draw.model_explorer_classes import model_explorer_classes
from tfnative._draw.compiled import draw_program
from tfnative._manifest.program import ProgramRecord, from_json
from tfnative.cli import main

Compile = Callable[..., Path]

MODELS = (
    *("mlp", "digits_cnn", "lstm", "cond"),
    pytest.param("transformer", marks=pytest.mark.slow),
)


def artifact(compiled: Compile, name: str) -> Path:
    return compiled(ZOO[name], name, **ZOO[name].options())


def programs(compiled: Compile, name: str) -> tuple[ProgramRecord, ...]:
    text = (artifact(compiled, name) / "program.json").read_text(encoding="utf-8")
    return from_json(text)


@pytest.mark.parametrize("name", MODELS)
def test_steps_are_those_that_the_library_lists(compiled: Compile, name: str):
    with tfnative.load(artifact(compiled, name)) as model:
        found = programs(compiled, name)
        sizes = model.signature(None).batch_sizes or (0,)
        assert [program.batch_size for program in found] == list(sizes)
        for program in found:
            lines = model._steps(program.signature, program.batch_size).splitlines()
            listed = [line.split("\t") for line in lines]
            assert [each[1] for each in listed] == [s.kind for s in program.steps]
            assert [int(each[2]) for each in listed] == [s.flops for s in program.steps]
            names = [s.node.name if s.node else s.hlo for s in program.steps]
            assert [each[4] for each in listed] == names


@pytest.mark.parametrize("name", MODELS)
def test_every_output_comes_from_the_inputs(compiled: Compile, name: str):
    for program in programs(compiled, name):
        graph = draw_program(program, name)
        ids = {node.id for node in graph.nodes}
        before: dict[str, set[str]] = {key: set() for key in ids}
        for edge in graph.edges:
            before[edge.target].add(edge.source)
        seen: set[str] = set()
        waiting = [node.id for node in graph.nodes if node.note == "output"]
        while waiting:
            at = waiting.pop()
            seen.add(at)
            waiting += before[at] - seen
        inputs = {f"in{number}" for number in range(len(program.inputs))}
        # The flag of a branch decides, and is no operand.
        assert inputs - seen <= ({"in0"} if name == "cond" else set())
        assert all(before[f"in{n}"] == set() for n in range(len(inputs)))


def test_what_is_fused_is_listed(compiled: Compile):
    (small, _) = programs(compiled, "digits_cnn")
    first = small.steps[0]
    assert [part.op for part in first.parts] == ["Conv2D", "BiasAdd", "Relu"]
    assert first.kind == "convolution"
    # 8 x 8 pixels of 4 bytes go in, 16 channels of them come out.
    assert first.bytes_read - first.weight_bytes == 256
    assert first.bytes_written == 4096


def test_loops_are_frames_with_what_goes_round(compiled: Compile):
    (small, _) = programs(compiled, "lstm")
    graph = draw_program(small, "lstm")
    assert {frame.label for frame in graph.clusters} == {"loop", "condition", "body"}
    assert any(edge.dashed for edge in graph.edges)


@needs_dot
@pytest.mark.parametrize("ending", ["svg", "html", "dot"])
def test_inspect_draws_with_times(
    compiled: Compile, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / f"net.{ending}"
    command = ["inspect", str(artifact(compiled, "digits_cnn")), "--profile"]
    assert main([*command, "--graph", str(path), "--batch-size", "3"]) == 0
    shown = capsys.readouterr().out
    assert "us a call" in shown
    assert "serving_default, 3 rows" in shown
    text = path.read_text(encoding="utf-8")
    assert "winograd convolution" in text.replace("\N{NO-BREAK SPACE}", " ").replace(
        "&#160;", " "
    )
    if ending == "svg":
        assert ET.fromstring(text).tag.endswith("svg")


def test_inspect_writes_for_model_explorer(compiled: Compile, tmp_path: Path):
    path = tmp_path / "net.json"
    command = ["inspect", str(artifact(compiled, "digits_cnn")), "--profile"]
    assert main([*command, "--model-explorer", str(path)]) == 0
    (graph,) = json.loads(path.read_text())["graphs"]
    times = json.loads((tmp_path / "net.times.json").read_text())["results"]
    steps = {n["id"] for n in graph["nodes"] if n["id"].startswith("step")}
    assert steps <= times.keys()
    assert all(result["value"] >= 0 for result in times.values())


def test_model_explorers_package_reads_what_inspect_writes(
    compiled: Compile, export: Callable[..., Path], tmp_path: Path
):
    read = model_explorer_classes()
    for model, *flags in (
        (artifact(compiled, "tf1_loop"), "--profile"),
        (export(ZOO["tf1_loop"]),),
    ):
        path = tmp_path / "net.json"
        command = ["inspect", str(model), "--model-explorer", str(path)]
        assert main([*command, *flags]) == 0
        (graph,) = read("GraphCollection", path.read_text(encoding="utf-8")).graphs
        assert len(graph.nodes) >= 5
    times = (tmp_path / "net.times.json").read_text(encoding="utf-8")
    assert read("GraphNodeData", times).results


def test_times_suit_the_graph_of_the_saved_model_as_well(
    compiled: Compile, export: Callable[..., Path], tmp_path: Path
):
    measured, drawn = tmp_path / "net.json", tmp_path / "saved.json"
    command = ["inspect", str(artifact(compiled, "digits_cnn")), "--profile"]
    assert main([*command, "--model-explorer", str(measured)]) == 0
    saved = str(export(ZOO["digits_cnn"]))
    assert main(["inspect", saved, "--model-explorer", str(drawn)]) == 0
    times = json.loads((tmp_path / "net.times.json").read_text())["results"]
    (graph,) = json.loads(drawn.read_text())["graphs"]
    ops = {node["label"] for node in graph["nodes"] if node["id"] in times}
    assert {"Conv2D", "MaxPool", "Softmax"} <= ops


def test_minimal_artifacts_say_nothing_of_their_programs(
    export: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    minimal = tfnative.compile(
        *(export(ZOO["mlp"]), tmp_path / "mlp"), cpus=["native"], minimal=True
    )
    assert not (minimal / "program.json").exists()
    assert main(["inspect", str(minimal)]) == 0
    assert "not run here: it was compiled with --minimal" in capsys.readouterr().out
    assert main(["inspect", str(minimal), "--graph", str(tmp_path / "x.dot")]) == 1
    assert "compile the model again" in capsys.readouterr().err
