# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Every model of the zoo, compiled, predicts what TensorFlow predicts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models import ALL_COMPILED, COMPILED, ZOO, ModelCase
from tfnative_aot.load.load_model import load_model
from tfnative_aot.verify.verify import errors

# One for each kind of step; the others take minutes together.
QUICK = frozenset("mlp digits_cnn lstm cond epilogues reductions sort top_k".split())
# What is refused as a whole, and compiled behind a head that TensorFlow runs.
CUT = frozenset(
    "refused_string_input refused_string_inside refused_table refused_fft "
    "refused_unsupported".split()
)
REFUSED = [
    case for case in ZOO.values() if "refused" in case.tags and case.name not in CUT
]

FIDELITY = Path(__file__).resolve().parents[2] / "docs" / "fidelity.md"
BEGIN, END = "<!-- rows: begin -->\n", "<!-- rows: end -->\n"

Export = Callable[[ModelCase], Path]
Compile = Callable[..., Path]


def quick_or_slow(case: ModelCase) -> Any:
    marks = () if case.name in QUICK else pytest.mark.slow
    return pytest.param(case, marks=marks)


@pytest.mark.parametrize("case", [*map(quick_or_slow, COMPILED)], ids=str)
def test_predicts_what_tensorflow_predicts(
    case: ModelCase, export: Export, compiled: Compile
) -> None:
    source = export(case)
    artifact = compiled(case, "model", **case.options())
    reference = load_model(source, inputs=case.graph_inputs, outputs=case.graph_outputs)
    rng = np.random.default_rng(7)
    row_counts = (1, 2, 3, 7) if case.has_batch and case.rows_independent else (1, 3)
    with tfnative.load(artifact) as model:
        signature = next(iter(model.signatures))
        manifest = model.manifest.signatures[signature]
        assert bool(manifest.batch_sizes) == case.has_batch
        assert manifest.rows_independent == (case.rows_independent and case.has_batch)
        if case.has_batch:
            reason = f": {manifest.rows_reason}" if manifest.rows_reason else ""
            assert verdicts_of_the_page()[case.name] == manifest.rows + reason
        for rows in row_counts if case.has_batch else (1,):
            inputs = case.inputs(rows, rng)
            expected = reference.run(signature, inputs)
            got = model.predict(inputs, signature=signature)
            assert got.keys() == expected.keys()
            for name, reference_output in expected.items():
                assert got[name].dtype == reference_output.dtype, name
                _, relative = errors(got[name], reference_output)
                assert relative <= case.rtol, (name, rows)
        assert tfnative.selftest(artifact).passed


def verdicts_of_the_page() -> dict[str, str]:
    """What docs/fidelity.md says of the rows of each model."""
    table = FIDELITY.read_text().partition(BEGIN)[2].partition(END)[0]
    cells = [line.split("|") for line in table.splitlines()[2:]]
    return {cell[1].strip(" `"): cell[2].strip() for cell in cells if len(cell) > 2}


def test_the_page_has_the_verdict_on_every_model():
    models = {case.name for case in ALL_COMPILED if case.has_batch}
    assert verdicts_of_the_page().keys() == models


def listing(artifact: Path) -> list[str]:
    """The kinds of the steps for one row."""
    text = (artifact / "program.txt").read_text()
    of_one = text.partition("\n\n")[0]
    return [line.strip() for line in of_one.splitlines() if " <- " in line]


def test_reductions_are_kernels_of_ours(compiled: Compile) -> None:
    case = ZOO["reductions"]
    steps = listing(compiled(case, "model", **case.options()))
    # The largest and the sum of softmax; the others one each, and no partial ones.
    assert sum(step.startswith("reduction") for step in steps) == 11


def test_what_follows_convolutions_is_no_step_of_its_own(compiled: Compile) -> None:
    case = ZOO["epilogues"]
    steps = listing(compiled(case, "model", **case.options()))
    assert sum(step.startswith("winograd convolution") for step in steps) == 4
    # What is added in a step of XLA's own, before the clamp, may stay.
    assert sum(step.startswith("kernel") for step in steps) <= 1, steps


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CUT))
def test_what_cannot_be_compiled_is_cut_off(
    name: str, export: Export, compiled: Compile
) -> None:
    case = ZOO[name]
    reference = load_model(export(case))
    with tfnative.load(compiled(case, "model", **case.options())) as model:
        assert model.manifest.signatures[case.signature].head is not None
        inputs = case.inputs(3, np.random.default_rng(3))
        for spec in reference.signature(case.signature).inputs:
            if spec.dtype != "string":
                inputs[spec.name] = np.abs(inputs[spec.name]).astype(spec.dtype)
        expected = reference.run(case.signature, inputs)
        got = model.predict(inputs, signature=case.signature)
        for output, wanted in expected.items():
            np.testing.assert_allclose(got[output], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_cannot_be_compiled_is_refused_with_its_reason(
    case: ModelCase, export: Export, tmp_path: Path
) -> None:
    output = tmp_path / "model"
    with pytest.raises(tfnative.Error, match=case.refused_when or None) as caught:
        tfnative.compile(export(case), output, name="model", **case.options())
    for op in case.refused_ops:
        assert op in str(caught.value)
    assert not output.exists()
    assert list(tmp_path.iterdir()) == []
