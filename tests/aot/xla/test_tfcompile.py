# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A child process that fails or crashes becomes an error that says why."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from types import SimpleNamespace

import pytest

from tfnative.errors import CompileError
from tfnative_aot import adapters
from tfnative_aot.freeze.graph import FrozenGraph, GraphTensor
from tfnative_aot.load.source import BATCH
from tfnative_aot.machines.cpu_levels import X86_LEVELS, VariantKey
from tfnative_aot.machines.targets import find_target
from tfnative_aot.xla.tfcompile import start_server, tfcompile

KEY = VariantKey(signature=0, batch_size=4, level=X86_LEVELS[0])
TARGET = find_target("linux-x86_64")


@pytest.fixture
def graph() -> FrozenGraph:
    """A graph whose output is its input; the tests replace what would compile it."""
    from tensorflow.core.framework.graph_pb2 import GraphDef

    graph_def = GraphDef()
    graph_def.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    tensor = GraphTensor("x", "x:0", "float32", (BATCH, 3))
    return FrozenGraph("serving_default", graph_def, (tensor,), (tensor,), True)


def compile_with(
    body: str, graph: FrozenGraph, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = folder / "child.py"
    child.write_text(
        "import os\ndef prepare(): pass\ndef main(job):\n" + indent(body, "    ")
    )
    adapter = SimpleNamespace(__file__=str(child), PROGRAM_SYMBOL="_none")
    monkeypatch.setattr(adapters, "xla", lambda: adapter)
    compile_variant(graph, folder)


def compile_variant(graph: FrozenGraph, folder: Path) -> None:
    path, variant = folder / "graph.pb", folder / "variant"
    with start_server() as server:
        tfcompile(graph, path, KEY, TARGET, "m_s0_b4_v2", variant, server)


def test_a_failure_shows_the_last_lines(
    graph: FrozenGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "print('first')\nfor i in range(30): print('line', i)\nraise SystemExit(3)"
    with pytest.raises(CompileError) as caught:
        compile_with(script, graph, tmp_path, monkeypatch)
    message = str(caught.value)
    assert "'serving_default', batch size 4, CPU level x86-64-v2" in message
    assert "exit code 3" in message
    assert "line 29" in message
    assert "first" not in message


def test_a_crash_names_the_signal(
    graph: FrozenGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "print('CHECK failed: x', flush=True)\nos.abort()"
    with pytest.raises(CompileError, match=r"SIGABRT.*\n  CHECK failed: x"):
        compile_with(script, graph, tmp_path, monkeypatch)


def test_a_graph_that_cannot_be_read_is_an_error(
    graph: FrozenGraph, tmp_path: Path
) -> None:
    (tmp_path / "graph.pb").write_bytes(b"no graph")
    with pytest.raises(CompileError, match="XLA does not compile it: Read less bytes"):
        compile_variant(graph, tmp_path)


def test_what_cannot_be_loaded_is_an_error_that_says_why(
    graph: FrozenGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child.py"
    child.write_text("def prepare(): raise ImportError('no such library')")
    adapter = SimpleNamespace(__file__=str(child), PROGRAM_SYMBOL="_none")
    monkeypatch.setattr(adapters, "xla", lambda: adapter)
    with pytest.raises(CompileError, match=r"exit code 1.*\n(.*\n)*.*no such library"):
        compile_variant(graph, tmp_path)
