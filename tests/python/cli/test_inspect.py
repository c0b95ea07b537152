# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative inspect`: pictures, and artifacts of other machines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.python.conftest import manifest
from tests.python.draw.drawn import loop_program
from tests.python.draw.graphviz_needed import needs_dot
from tfnative._cli import inspect_compiled
from tfnative._draw import render
from tfnative._manifest.program import to_json
from tfnative.cli import main

Text = pytest.CaptureFixture[str]
Foreign = Callable[..., Path]


@pytest.fixture
def foreign(tmp_path: Path) -> Foreign:
    """An artifact of which there is a manifest and a program, and no library."""

    def make(**changes: object) -> Path:
        folder = tmp_path / "net"
        folder.mkdir()
        content = manifest() | {"triple": "aarch64-linux-gnu"} | changes
        (folder / "manifest.json").write_text(json.dumps(content))
        (folder / "program.json").write_text(to_json((loop_program(),)))
        (folder / "program.txt").write_text("signature affine\n")
        return folder

    return make


@pytest.mark.parametrize(
    "triple",
    [
        "riscv64-linux-gnu",
        "x86_64-windows-gnu",
        "aarch64-macos",
        "armv7a-linux-android",
    ],
)
def test_an_artifact_of_another_machine_is_shown(
    foreign: Foreign, capsys: Text, triple: str
):
    folder = foreign(triple=triple)
    assert main(["inspect", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"not run here: it is for {triple}, and this is ")
    assert "signature affine; batch sizes: 1, 4, 16" in shown
    assert "workspace" not in shown
    assert main(["inspect", str(folder), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["backend"], content["triple"]) == ("", triple)
    assert main(["inspect", str(folder), "--program"]) == 0
    assert capsys.readouterr().out == "signature affine\n"


def test_one_for_a_better_cpu_is_shown(
    foreign: Foreign, capsys: Text, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(inspect_compiled.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(inspect_compiled, "host_cpu_level", lambda: "x86-64-v3")
    folder = foreign(triple="x86_64-linux-gnu", cpu_levels=["x86-64-v4"])
    assert main(["inspect", str(folder)]) == 0
    assert "needs a CPU of level x86-64-v4, and this" in capsys.readouterr().out


def test_one_whose_tail_needs_tensorflow_is_shown_without(foreign: Foreign, fake: Path):
    signatures = manifest()["signatures"]
    label = {"name": "label", "dtype": "string", "shape": [-1]}
    signatures["affine"]["tail"] = {
        "kind": "tensorflow",
        "path": "tails/affine",
        "inputs": [],
        "reads": ["y"],
        "passes": [],
        "outputs": [label],
        "ops": ["HashTableV2", "LookupTableFindV2"],
        "digest": "sha256:0",
    }
    folder = foreign(triple="any-machine", signatures=signatures)
    shutil.copy(fake / "libfake.so", folder)
    # In a process of its own: here, other tests may have loaded the library.
    shown = subprocess.run(
        [sys.executable, "-m", "tfnative", "inspect", str(folder)],
        env={**os.environ, "TFNATIVE_LIBTENSORFLOW": "/nowhere/libtensorflow.so.2"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    reason = "its ops HashTableV2, LookupTableFindV2 run in TensorFlow, and "
    assert shown.startswith(f"not run here: {reason}")
    assert "/nowhere/libtensorflow.so.2" in shown
    assert "gives label (string" in shown


def test_what_is_for_this_machine_and_damaged_is_an_error(
    foreign: Foreign, fake: Path, capsys: Text
):
    folder = foreign(triple="any-machine")
    assert main(["inspect", str(folder)]) == 1
    assert "cannot load" in capsys.readouterr().err
    (folder / "libfake.so").write_bytes((fake / "libfake.so").read_bytes()[:-200])
    assert main(["inspect", str(folder)]) == 1
    assert "cannot load" in capsys.readouterr().err


def test_a_damaged_manifest_is_an_error(foreign: Foreign, capsys: Text):
    folder = foreign(signatures=3)
    assert main(["inspect", str(folder)]) == 1
    assert capsys.readouterr().err.startswith("tfnative inspect: error: ")


def test_one_of_another_machine_is_drawn_but_not_measured(
    foreign: Foreign, tmp_path: Path, capsys: Text
):
    folder, path = foreign(), tmp_path / "net.dot"
    command = ["inspect", str(folder), "--graph", str(path)]
    assert main(command) == 0
    assert "digraph" in path.read_text()
    path.unlink()
    capsys.readouterr()
    assert main([*command, "--profile"]) == 1
    assert "cannot be measured here: it is for aarch64" in capsys.readouterr().err
    assert not path.exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--profile"], "--profile needs --graph or --model-explorer"),
        (["--signature", "affine"], "--signature needs --graph"),
        (["--batch-size", "4"], "--batch-size needs --graph"),
        (["--graph", "net.pdf"], "has to end in .svg, .html or .dot"),
        (["--graph", "net"], "has to end in"),
        (["--graph", "net.dot", "--program"], "goes with no picture"),
        (["--graph", "net.dot", "--batch-size", "0"], "whole number"),
    ],
)
def test_flags_that_make_no_sense_are_wrong_commands(
    foreign: Foreign, capsys: Text, flags: list[str], said: str
):
    try:
        code: object = main(["inspect", str(foreign()), *flags])
    except SystemExit as leaving:
        code = leaving.code
    assert code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["frozen.pb", "frozen.pbtxt"])
def test_a_graph_def_can_be_drawn_alone(name: str, tmp_path: Path, capsys: Text):
    (tmp_path / name).write_text("")
    assert main(["inspect", str(tmp_path / name)]) == 2
    assert "is a GraphDef, which can be drawn: pass --graph" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            ["--signature", "other"],
            "there is no 'other'; the model has 'serving_default'",
        ),
        (["--batch-size", "7"], "not compiled for 7 rows; its batch sizes: 1"),
        (["--graph", "nowhere/net.dot"], "there is no folder"),
    ],
)
def test_what_is_not_there_is_named(
    foreign: Foreign, tmp_path: Path, capsys: Text, flags: list[str], said: str
):
    graph = str(tmp_path / "net.dot")
    assert main(["inspect", str(foreign()), "--graph", graph, *flags]) == 1
    assert said in capsys.readouterr().err
    assert not Path(graph).exists()


def test_older_artifacts_say_to_compile_again(fake: Path, tmp_path: Path, capsys: Text):
    assert main(["inspect", str(fake), "--graph", str(tmp_path / "net.dot")]) == 1
    assert "compile the model again" in capsys.readouterr().err


def test_without_graphviz_dot_files_can_be_written(
    foreign: Foreign, tmp_path: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    folder = foreign()
    assert main(["inspect", str(folder), "--graph", str(tmp_path / "net.svg")]) == 1
    assert "apt-get install graphviz" in capsys.readouterr().err
    assert main(["inspect", str(folder), "--graph", str(tmp_path / "net.dot")]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net", "net.dot"]


def test_json_has_the_graph(foreign: Foreign, tmp_path: Path, capsys: Text):
    path = tmp_path / "net.json"
    command = ["inspect", str(foreign()), "--model-explorer", str(path), "--json"]
    assert main(command) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["files"] == [str(path)]
    assert {node["id"] for node in content["nodes"]} >= {"in0", "step0", "out0"}
    assert len(content["edges"]) == 9


@pytest.mark.parametrize(
    "damaged", [b'{"format":1,', b"\xff\xfe", b'{"format":1,"nodes":[],"programs":[3]}']
)
@pytest.mark.parametrize("asked", ["--graph=net.dot", "--memory"])
def test_a_damaged_program_is_named_with_what_to_do(
    foreign: Foreign, tmp_path: Path, capsys: Text, damaged: bytes, asked: str
):
    folder = foreign()
    (folder / "program.json").write_bytes(damaged)
    asked = asked.replace("net.dot", str(tmp_path / "net.dot"))
    assert main(["inspect", str(folder), asked]) == 1
    said = capsys.readouterr().err.strip()
    assert said.startswith("tfnative inspect: error: program.json")
    assert said.endswith("copy the artifact once more, or compile the model again")
    assert not (tmp_path / "net.dot").exists()
    assert main(["inspect", str(folder)]) == 0  # Nothing else reads it.


@needs_dot
def test_pictures_that_cannot_be_written_are_left_as_they_were(
    foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Text
):
    path = tmp_path / "net.svg"
    path.write_text("before")
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no room >&2\nexit 3\n")
    program.chmod(0o755)
    shell = Path(shutil.which("sh") or "/bin/sh").parent
    monkeypatch.setenv("PATH", f"{program.parent}:{shell}")
    assert main(["inspect", str(foreign()), "--graph", str(path)]) == 1
    assert "Graphviz cannot draw the graph: no room" in capsys.readouterr().err
    assert path.read_text() == "before"
