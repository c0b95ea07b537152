# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Random networks in lower precision: what every one of them has to keep.

They are compiled, or refused with a typed error that leaves nothing behind. Each row
gets the same answer alone as among others, an empty batch gives an empty one, and
golden vectors hold. What is in 8 bits from its input to an output equals its reference
to the last bit, as do rows there.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings

import tfnative
from tests.fidelity.random_networks.network import Network, networks
from tfnative.manifest import SignatureManifest

EXAMPLES = int(os.environ.get("TFNATIVE_RANDOM_GRAPHS", "10")) // 3
SIZES = (1, 4)
ROWS = 33

pytestmark = pytest.mark.slow

PARTS = Network(
    (7, 5, 3), ("conv3_one", "dense"), "plain", "normal", "int8 mse", True, 0
)
"""A dense layer reads each number of what was one row of bytes before it."""

BYTES = Network(
    (8, 6, 8), ("conv3", "relu", "depthwise", "max_pool", "residual", "flat"),
    *("mixed", "sparse", "int8 kl", False, 1),
)  # fmt: skip
"""Bytes from its input to its output."""


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[str]]:
    found: Counter[str] = Counter()
    yield found
    print(f"networks: {dict(found)}")
    # Refusals alone would show nothing.
    assert found["compiled"] >= found.total() / 2


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(network=networks())
@example(network=PARTS)
@example(network=BYTES)
def test_a_random_network_keeps_what_is_promised(
    network: Network, tally: Counter[str]
) -> None:
    with TemporaryDirectory() as folder:
        saved = network.save(Path(folder, "saved"))
        artifact = Path(folder, "artifact")
        refusal = _refusal(network, saved, artifact)
        tally["refused" if refusal else "compiled"] += 1
        if refusal:
            assert not artifact.exists()
            assert _is_allowed(network, refusal), refusal
            return
        with tfnative.load(artifact) as model:
            _check(model, network)
        assert tfnative.selftest(artifact).passed


def _refusal(network: Network, saved: Path, artifact: Path) -> str:
    """Why it is not compiled, or ""."""
    try:
        tfnative.compile(
            *(saved, artifact),
            batch_sizes=SIZES,
            cpus=["native"],
            **network.options(),
        )
    except (tfnative.CompileError, tfnative.InvalidArgumentError) as error:
        return str(error)
    return ""


def _is_allowed(network: Network, refusal: str) -> bool:
    """Sums of numbers of very different sizes may be less exact than TensorFlow's."""
    is_odd = network.weights in ("huge", "tiny", "mixed") or network.samples == "large"
    return is_odd and "differs from TensorFlow" in refusal


def _check(model: tfnative.NativeModel, network: Network) -> None:
    signature = model.manifest.signatures["serving_default"]
    x = network.rows(ROWS, 9)
    if not signature.rows_independent:
        x = x[: SIZES[-1]]
        assert model.predict({"x": x}).keys() == signature_names(model)
        return
    together = model.predict({"x": x})
    alone = [model.predict({"x": x[n : n + 1]}) for n in range(len(x))]
    empty = model.predict({"x": x[:0]})
    for name, answers in together.items():
        rows = np.concatenate([each[name] for each in alone])
        most = _allowed(network, signature) * np.abs(answers).max()
        np.testing.assert_allclose(rows, answers, 0, most, err_msg=name)
        assert empty[name].shape == (0, *answers.shape[1:])
    if network == BYTES:
        assert {each.max_abs_error for each in signature.fidelity} == {0.0}


def _allowed(network: Network, signature: SignatureManifest) -> float:
    """How far a row may be from the same among others, in parts of the largest.

    What floats are may differ in its last bits, and one before a layer in 8 bits may
    become the number next to it there.
    """
    if network in (BYTES, PARTS):
        return 0.0
    if all(each.max_abs_error == 0 for each in signature.fidelity):
        return 1e-6
    return 0.05 if network.precision.startswith(("int8", "auto")) else 1e-5


def signature_names(model: tfnative.NativeModel) -> set[str]:
    """The outputs."""
    return set(model.signatures["serving_default"].outputs)
