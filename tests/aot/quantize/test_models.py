# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models of the zoo in lower precision: each is compared when it is compiled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import tfnative
from tests.conftest import Export
from tests.models import ALL_COMPILED, ModelCase
from tfnative.errors import CompileError

# Recurrent, with attention, with fused steps; an input that nothing reads; a loop of
# TensorFlow 1, no batch, several signatures. `make test-models` has all.
SOME = {"mha", "lstm", "epilogues", "unused_input", "tf1_loop", "no_batch"}
SMALL_ALREADY = {
    *("matmul_float16", "matmul_bfloat16", "conv_float16", "conv_bfloat16"),
    "complex",
}
CASES = [
    case
    for case in ALL_COMPILED
    if case.name in SOME or os.environ.get("TFNATIVE_ALL_MODELS", "") == "1"
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("precision", ["float16-weights", "int8-dynamic"])
def test_a_model_answers_as_its_reference(
    export: Export, tmp_path: Path, case: ModelCase, precision: str
):
    options = {**case.options(), "cpus": ["native"], "precision": precision}
    if case.name in SMALL_ALREADY:
        with pytest.raises(CompileError, match="whose inputs and outputs are not"):
            tfnative.compile(export(case), tmp_path / "net", **options)
        return
    artifact = tfnative.compile(export(case), tmp_path / "net", **options)
    with tfnative.load(artifact) as model:
        for signature in model.manifest.signatures.values():
            assert signature.precision is not None
            assert signature.precision.asked == precision
    report = tfnative.selftest(artifact)
    assert report.passed
    assert report.checks
