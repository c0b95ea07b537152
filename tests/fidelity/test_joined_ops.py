# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Two ops are computed as two, each rounded, whatever else real numbers allow."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

import tfnative
from tests.fidelity.joined_ops import EXACT, INNER, OUTER, Pair, arguments, pairs
from tests.turns import Once
from tfnative_aot import adapters

Array = npt.NDArray[Any]

# Each run of the suite takes a part of the pairs; all of them take a few minutes.
PARTS = 23
ASKED = os.environ.get("TFNATIVE_JOINED_OPS", "3").split(",")


@pytest.mark.slow
@pytest.mark.parametrize("part", ASKED)
def test_an_op_reads_what_tensorflow_rounds(once: Once, part: str) -> None:
    chosen = [*pairs()][int(part) :: PARTS]

    def make(folder: Path) -> Path:
        source = _save(folder / "model", chosen)
        return tfnative.compile(source, folder / "pairs", cpus=["native"])

    x, y = arguments()
    with tfnative.load(once(f"fidelity/joined_ops_{part}", make)) as model:
        many = {"x": np.tile(x, (len(chosen), 1)), "y": np.tile(y, (len(chosen), 1))}
        answers = model.predict(many)
    wrong = [
        line
        for number, (pair, expected) in enumerate(
            zip(chosen, _expected(chosen), strict=True)
        )
        for line in _differences(pair, answers[f"p{number}"], expected)
    ]
    assert not wrong, "\n".join(wrong)


def _save(folder: Path, chosen: Sequence[Pair]) -> Path:
    # Each pair has numbers of its own: what several read is computed before they are.
    shape = [len(chosen), len(arguments()[0])]
    specs = [tf.TensorSpec(shape, tf.float32, name=name) for name in "xy"]

    def compute(x: Any, y: Any) -> dict[str, Any]:
        return {
            f"p{number}": OUTER[pair.outer](*pair.operands(x[number], y[number]))
            for number, pair in enumerate(chosen)
        }

    module = tf.Module()
    module.f = tf.function(compute, input_signature=specs, autograph=False)
    tf.saved_model.save(module, str(folder), signatures=module.f)
    return folder


def _expected(chosen: Sequence[Pair]) -> list[list[Array]]:
    """Answers of TensorFlow for each pair, also for operands that are a bit off."""

    def compute(x: Any, y: Any) -> list[list[Any]]:
        return [
            [OUTER[pair.outer](a, b) for a, b in _operands(pair, x, y)]
            for pair in chosen
        ]

    with adapters.tf().without_optimizers():
        answers = tf.function(compute, autograph=False)(*map(tf.constant, arguments()))
    return [[answer.numpy() for answer in each] for each in answers]


def _operands(pair: Pair, x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    a, b = pair.operands(x, y)
    yield a, b
    if {pair.inner, pair.operand} <= EXACT:
        return
    # TensorFlow's own reciprocal of large numbers is not nearer.
    error = 2e-4 if "reciprocal" in (pair.inner, pair.operand) else 1e-6
    for p, q in itertools.product((1 - error, 1, 1 + error), repeat=2):
        yield a * p, b * q


def _differences(pair: Pair, got: Array, expected: list[Array]) -> Iterator[str]:
    first, *others = expected
    rtol = 2e-4 if pair.outer == "reciprocal" else 1e-5
    with np.errstate(all="ignore"):
        right = np.isclose(got, first, rtol=rtol, atol=0, equal_nan=True)
        for other in others:
            right |= np.isclose(got, other, rtol=rtol, atol=0, equal_nan=True)
        if others:
            least = 0 if pair.outer == "squared" else np.min(expected, 0)
            right |= (least <= got) & (got <= np.max(expected, 0))
    # What is too small to be a normal number is 0, before or after it is rounded.
    right |= (np.abs(got) < 1.2e-38) & (np.abs(first) < 1.2e-38)
    x, y = arguments()
    for at in np.flatnonzero(~right)[:2]:
        yield (
            f"{pair}: {got[at]} in place of {first[at]}, of x = {x[at]}, y = {y[at]} "
            f"({np.count_nonzero(~right)} in all)"
        )


def test_all_ops_are_among_the_pairs() -> None:
    assert {pair.inner for pair in pairs()} == set(INNER)
    assert len({*pairs()}) == len([*pairs()])
