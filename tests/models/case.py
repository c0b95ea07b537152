# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a model of the zoo is, and how its inputs are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
InputMaker = Callable[[int, np.random.Generator], NDArray[Any]]


@dataclass(frozen=True)
class ModelCase:
    """A real model that tests export, compile and compare with TensorFlow.

    Attributes:
        name: Key in ``ZOO``, and the name of the exported folder.
        exporter: Writes the model below a folder and returns the model's path.
        makers: How each input of the signature is made: (rows, rng) to array.
        tags: "small" (compiles in about a second), "large", "refused" (must not
            compile), and one for the way it was saved: "keras3", "module",
            "keras2", "tf1", "graphdef", "wheel".
        signature: The signature that ``makers`` are for.
        signatures: All signatures in the file.
        shapes: Value of ``--shape`` per input, where the model needs it.
        graph_inputs: For a frozen GraphDef: signature name to tensor.
        graph_outputs: Likewise.
        has_batch: Whether the signature has a batch dimension.
        rows_independent: Whether a row's result depends on that row alone.
        rtol: Tolerance, relative to the output's largest magnitude.
        refused_ops: Ops that the refusal must list.
        refused_when: What is wrong with the model, as a pattern in the message.
    """

    name: str
    exporter: Callable[[Path], Path]
    makers: Mapping[str, InputMaker]
    tags: frozenset[str] = frozenset({"small"})
    signature: str = "serving_default"
    signatures: tuple[str, ...] = ("serving_default",)
    shapes: Mapping[str, tuple[int, ...]] | None = None
    graph_inputs: Mapping[str, str] | None = None
    graph_outputs: Mapping[str, str] | None = None
    has_batch: bool = True
    rows_independent: bool = True
    rtol: float = 1e-5
    refused_ops: tuple[str, ...] = ()
    refused_when: str = ""

    def export(self, folder: Path) -> Path:
        """Writes the model below ``folder`` and returns the path to load."""
        return self.exporter(folder / self.name)

    def inputs(self, rows: int, rng: np.random.Generator) -> Arrays:
        """One array per input of the signature, with ``rows`` rows each."""
        return {name: maker(rows, rng) for name, maker in self.makers.items()}

    def options(self) -> dict[str, Any]:
        """Of ``tfnative.compile``: two batch sizes, this machine's best CPU level."""
        return {
            "signatures": None if self.graph_inputs else [self.signature],
            "batch_sizes": (1, 3),
            "shapes": self.shapes,
            "cpus": ["native"],
            "rtol": self.rtol,
            "inputs": self.graph_inputs,
            "outputs": self.graph_outputs,
        }

    def __str__(self) -> str:
        return self.name


def normal(*shape: int, dtype: str = "float32") -> InputMaker:
    """Makes rows of normally distributed numbers, each of the given shape."""

    def make(rows: int, rng: np.random.Generator) -> NDArray[Any]:
        return rng.standard_normal((rows, *shape)).astype(dtype)

    return make


def integers(*shape: int, below: int, dtype: str = "int32") -> InputMaker:
    """Makes rows of integers in [0, below)."""

    def make(rows: int, rng: np.random.Generator) -> NDArray[Any]:
        return rng.integers(0, below, (rows, *shape)).astype(dtype)

    return make


def booleans(*shape: int) -> InputMaker:
    """Makes rows of true and false."""

    def make(rows: int, rng: np.random.Generator) -> NDArray[Any]:
        return rng.random((rows, *shape)) < 0.5

    return make


def without_batch(maker: InputMaker) -> InputMaker:
    """Makes the only row of an input that has no batch dimension."""

    def make(rows: int, rng: np.random.Generator) -> NDArray[Any]:
        del rows
        return maker(1, rng)[0]

    return make


def large_ones_slow(cases: Iterable[ModelCase]) -> list[Any]:
    """The values of a parameter, of which the large models are marked ``slow``."""
    slow = pytest.mark.slow
    return [
        pytest.param(case, marks=slow if "large" in case.tags else ()) for case in cases
    ]
