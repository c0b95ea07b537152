# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What hypothesis draws: models of a few ops, and batches for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.fidelity.random_graphs import elementwise, features, indexing, rows
from tests.fidelity.random_graphs.op import Op, Value

FEATURES, IDS = 4, 3
LARGEST_ID = 5
MOST_ELEMENTS = 64
LARGEST = 2.0**20
INDEPENDENT = (*elementwise.OPS, *features.OPS, *indexing.OPS)
MIXING = rows.OPS

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Step:
    """An op, and the numbers of the values that it takes."""

    op: Op
    operands: tuple[int, ...]

    def __repr__(self) -> str:
        operands = ", ".join(f"v{operand}" for operand in self.operands)
        return f"{self.op.name}({operands})"


@dataclass(frozen=True)
class RandomModel:
    """Values v0 (float32 features) and v1 (int32 ids), and what is made of them.

    Attributes:
        steps: Each makes the next value.
        outputs: Numbers of the values that are the outputs.
        values: What is known of all values.
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    values: tuple[Value, ...] = field(repr=False)

    @property
    def takes_odd_numbers(self) -> bool:
        """TensorFlow's softmax of NaN depends on who computes it."""
        return not any("softmax" in step.op.name for step in self.steps)

    def __call__(self, x: Any, ids: Any) -> dict[str, Any]:
        """The model, in TensorFlow."""
        values = [x, ids]
        for step in self.steps:
            taken = [values[operand] for operand in step.operands]
            values.append(step.op.function(*taken))
        return {f"y{place}": values[place] for place in self.outputs}


@st.composite
def random_models(draw: st.DrawFn, *, most_steps: int = 8) -> RandomModel:
    """A model of up to so many ops; its outputs are all values that nothing reads."""
    values = [
        Value("float", (FEATURES,), bound=8),
        Value("int", (IDS,), bound=LARGEST_ID),
    ]
    steps: list[Step] = []
    # Half of the models have nothing in them that mixes rows.
    ops = draw(st.sampled_from([INDEPENDENT, INDEPENDENT + MIXING]))
    for _ in range(draw(st.integers(1, most_steps))):
        op = draw(st.sampled_from([op for op in ops if _operands(op, values)]))
        operands = draw(st.sampled_from(_operands(op, values)))
        made = op.result(*(values[operand] for operand in operands))
        if made.bound < LARGEST and made.size <= MOST_ELEMENTS:
            steps.append(Step(op, operands))
            values.append(made)
    read = {operand for step in steps for operand in step.operands}
    outputs = tuple(n for n in range(2, len(values)) if n not in read)
    return RandomModel(tuple(steps), outputs or (0,), tuple(values))


def _operands(op: Op, values: list[Value]) -> list[tuple[int, ...]]:
    """The numbers of values that an op can take."""
    first, *others = (
        [number for number, value in enumerate(values) if fits(value)]
        for fits in op.takes
    )
    if not others:
        return [(number,) for number in first]
    return [
        (a, b) for a in first for b in others[0] if op.together(values[a], values[b])
    ]


def batch(count: int, seed: int) -> Arrays:
    """Inputs of so many rows: multiples of 1/8, of which sums are exact."""
    rng = np.random.default_rng(seed)
    x = (rng.integers(-64, 65, (count, FEATURES)) / 8).astype(np.float32)
    ids = rng.integers(0, LARGEST_ID + 1, (count, IDS)).astype(np.int32)
    return {"x": x, "ids": ids}


def odd_batch(count: int, seed: int) -> Arrays:
    """Likewise, with a few values that are rare."""
    rng = np.random.default_rng(seed)
    inputs = batch(count, seed)
    odd = np.float32([np.nan, np.inf, -np.inf, -0.0, 1e-3, 100])
    for _ in range(rng.integers(1, 4)):
        inputs["x"][rng.integers(count), rng.integers(FEATURES)] = rng.choice(odd)
    inputs["ids"][rng.integers(count), rng.integers(IDS)] = rng.choice([-1, 6, 1000])
    return inputs
