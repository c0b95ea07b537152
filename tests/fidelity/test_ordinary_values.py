# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ops give what they give in TensorFlow, with many combinations of attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative
from tests.fidelity.ordinary_ops import INPUTS, cases
from tests.turns import Once

ROUNDINGS = 64.0


@pytest.mark.slow
def test_ordinary_numbers_give_what_they_give_in_tensorflow(once: Once) -> None:
    tried = list(cases())

    def call(*arguments: Any) -> dict[str, Any]:
        given = dict(zip(INPUTS, arguments, strict=True))
        each = enumerate(tried)
        return {f"y{number}": compute(given) for number, (_, compute) in each}

    def make(folder: Path) -> Path:
        module = tf.Module()
        specs = [tf.TensorSpec(x.shape, x.dtype, name) for name, x in INPUTS.items()]
        module.f = tf.function(call, input_signature=specs, autograph=False)
        tf.saved_model.save(module, folder / "model", signatures=module.f)
        # What compiling compares is of random inputs, and looser: all is compared here.
        return tfnative.compile(
            folder / "model", folder / "o", name="o", cpus=["native"], rtol=1e30
        )

    artifact = once("ordinary", make)
    loaded = tf.saved_model.load(str(artifact.parent / "model"))
    wanted = loaded.signatures["serving_default"](
        **{name: tf.constant(x) for name, x in INPUTS.items()}
    )
    with tfnative.load(artifact) as model:
        got = model.predict(INPUTS)
    wrong = [
        f"{name}: {problem}"
        for number, (name, _) in enumerate(tried)
        if (problem := difference(wanted[f"y{number}"].numpy(), got[f"y{number}"]))
    ]
    assert not wrong, "\n".join(wrong)


def difference(wanted: Any, got: Any) -> str:
    """What differs by more than rounding, or ""."""
    if (wanted.shape, wanted.dtype) != (got.shape, got.dtype):
        return f"{got.dtype} {got.shape} for {wanted.dtype} {wanted.shape}"
    if wanted.dtype.kind in "biu":
        count = np.count_nonzero(wanted != got)
        return f"{count} of {wanted.size} elements differ" if count else ""
    a, b = wanted.astype(np.float64), got.astype(np.float64)
    near = ROUNDINGS * np.finfo(wanted.dtype).eps * np.maximum(np.abs(a), 1)
    # Infinities and NaN are where TensorFlow has them.
    same = (a == b) | np.isnan(a) & np.isnan(b)
    off = np.abs(np.subtract(a, b, out=np.zeros_like(a), where=~same))
    return "" if np.all(same | (off <= near)) else f"off by {np.max(off)}"
