# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers of all kinds in each precision: near to float32, or refused.

`make test-models` compiles all of the table.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models import recurrent
from tests.turns import Once
from tfnative.errors import CompileError
from tfnative.manifest import Manifest

LEAST = {
    "float16-weights": 55.0,
    "bfloat16-weights": 40.0,
    "int8-weights": 35.0,
    "int8-dynamic": 35.0,
    "int8": 35.0,
    "auto": 42.0,
}
"""Decibels of signal to noise that every layer has, by precision: docs/quantize.md."""

TABLE = [("keras3", "int8")]
if os.environ.get("TFNATIVE_ALL_MODELS", "") == "1":
    TABLE = [(kind, precision) for kind in recurrent.EXPORTS for precision in LEAST]
OUTPUTS = 12
ROWS = 2
"""What masks are known of takes the numbers of rows that were compiled alone."""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "precision"), TABLE, ids=str)
def test_each_kind_of_layer_is_near_to_float32(
    once: Once, tmp_path: Path, kind: str, precision: str
) -> None:
    saved = once(f"models/recurrent-{kind}", _in(recurrent.EXPORTS[kind]))
    options: dict[str, Any] = {"precision": precision}
    if precision in ("int8", "auto"):
        options["calibration"] = recurrent.inputs(100)
    if precision == "auto":
        options["min_signal_to_noise"] = LEAST["auto"]
    artifact = tfnative.compile(
        *(saved, tmp_path / "net"), cpus=["native"], batch_sizes=[ROWS], **options
    )
    given = recurrent.inputs(32, seed=1)
    expected = _tensorflow(saved, given)
    assert len(expected) == OUTPUTS
    with tfnative.load(artifact) as model:
        parts = [
            model.predict({n: a[at : at + ROWS] for n, a in given.items()})
            for at in range(0, 32, ROWS)
        ]
    # Samples that auto has judged by are others than these: a little is left to them.
    least = LEAST[precision] - (3 if precision == "auto" else 0)
    for name, wanted in expected.items():
        found = np.concatenate([part[name] for part in parts])
        noise = np.square(found - wanted, dtype=np.float64).sum()
        signal = np.square(wanted, dtype=np.float64).sum()
        assert 10 * np.log10(signal / noise) > least, name
    assert tfnative.selftest(artifact).passed
    _check_layers(artifact, precision)


def _check_layers(artifact: Path, precision: str) -> None:
    """All weights are stored small, but for the state that a layer begins with."""
    manifest = Manifest.from_json((artifact / "manifest.json").read_text())
    (signature,) = manifest.signatures.values()
    assert signature.precision is not None
    kept = {each.node for each in signature.precision.layers if each.reason}
    if precision != "auto":
        assert all("unrolled" in node for node in kept), kept
        assert len(kept) <= 1
    else:
        choice = signature.precision.choice
        assert choice is not None
        assert choice.points[-1].holds
        held = [e for e in signature.precision.outputs if e.samples == "held out"]
        worst = min(each.signal_to_noise or np.inf for each in held)
        assert worst == pytest.approx(choice.points[-1].signal_to_noise, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("kind", recurrent.STATEFUL)
def test_a_layer_that_keeps_its_state_between_calls_is_refused(
    once: Once, tmp_path: Path, kind: str
) -> None:
    saved = once(f"models/stateful-{kind}", _in(recurrent.STATEFUL[kind]))
    with pytest.raises(CompileError, match="changes a variable; a compiled model keep"):
        tfnative.compile(saved, tmp_path / "net", precision="int8-dynamic")
    assert not list(tmp_path.iterdir())


def _in(export: Any) -> Any:
    return lambda folder: export(folder / "model")


def _tensorflow(saved: Path, given: Any) -> Any:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(saved))
    serve = loaded.signatures["serving_default"]
    tensors = {name: tf.constant(array) for name, array in given.items()}
    return {name: array.numpy() for name, array in serve(**tensors).items()}
