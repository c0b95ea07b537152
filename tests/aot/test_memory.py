# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The workspaces of real models: what artifacts say of them, and how tight they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tfnative
from tests.models import ZOO
from tfnative._manifest.program import from_json
from tfnative.cli import main

Compile = Callable[..., Path]

MODELS = (
    *("mlp", "digits_cnn", "lstm", "cond"),
    pytest.param("transformer", marks=pytest.mark.slow),
)


def artifact(compiled: Compile, name: str) -> Path:
    return compiled(ZOO[name], name, **ZOO[name].options())


@pytest.mark.parametrize("name", MODELS)
def test_the_manifest_says_what_the_library_asks_for(compiled: Compile, name: str):
    with tfnative.load(artifact(compiled, name)) as model:
        for signature, manifest in model.manifest.signatures.items():
            assert manifest.memory
            for memory in manifest.memory:
                assert memory.values_bytes + memory.thread_bytes == (
                    memory.workspace_bytes
                )
                if memory.cpu_level == model.cpu_level:
                    asked = model._workspace_bytes(signature, memory.batch_size)
                    assert asked == memory.workspace_bytes


@pytest.mark.parametrize("name", MODELS)
def test_no_order_takes_more_than_xlas_and_hardly_a_byte_is_wasted(
    compiled: Compile, name: str
):
    with tfnative.load(artifact(compiled, name)) as model:
        for manifest in model.manifest.signatures.values():
            for memory in manifest.memory:
                assert memory.values_bytes <= memory.xla_order_bytes
                assert memory.peak_bytes <= memory.values_bytes
                assert memory.values_bytes <= 1.03 * memory.peak_bytes + 128


@pytest.mark.parametrize("name", MODELS)
def test_program_json_agrees_with_the_manifest(compiled: Compile, name: str):
    folder = artifact(compiled, name)
    with tfnative.load(folder) as model:
        best = model.manifest.cpu_levels[-1]
        known = {
            (signature, memory.batch_size): memory
            for signature, manifest in model.manifest.signatures.items()
            for memory in manifest.memory
            if memory.cpu_level == best
        }
    for program in from_json((folder / "program.json").read_text(encoding="utf-8")):
        expected = known[program.signature, program.batch_size]
        assert program.memory is not None
        assert program.memory.size == expected.values_bytes
        assert program.memory.order == expected.order
        steps = len(program.steps)
        assert max(program.memory.live_bytes(steps), default=0) == expected.peak_bytes
        assert all(0 <= value.writer < steps for value in program.memory.values)


def test_the_chart_names_layers(compiled: Compile, capsys: pytest.CaptureFixture[str]):
    command = ["inspect", str(artifact(compiled, "digits_cnn")), "--memory"]
    assert main([*command, "--batch-size", "3"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("digits_cnn: serving_default, 3 rows\n")
    assert "Conv2D" in shown.partition("alive at step")[2]
    assert main(command[:-1]) == 0
    assert "values in it that are alive at once: at most" in capsys.readouterr().out
