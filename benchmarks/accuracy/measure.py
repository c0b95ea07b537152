# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles a trained network in each precision, and counts what it gets right."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import tfnative
from benchmarks.accuracy.data import DataSet, Images
from tfnative._compile.options import CalibrationMethod, Precision

FLOAT32: Precision = "float32"
_ROWS = 100


@dataclass(frozen=True)
class Way:
    """How a model is compiled.

    Attributes:
        precision: What it computes in.
        method: How ranges are found, or None if none are.
    """

    precision: Precision
    method: CalibrationMethod | None = None

    @property
    def name(self) -> str:
        """Both in one."""
        return f"{self.precision}, {self.method}" if self.method else self.precision


WAYS = (
    *(Way(p) for p in (FLOAT32, "float16-weights", "int8-weights", "int8-dynamic")),
    *(Way("int8", method) for method in get_args(CalibrationMethod)),
)
"""float32 comes first: the others are compared with it."""


@dataclass(frozen=True)
class Accuracy:
    """What a model gets right.

    Attributes:
        data: Name of the data set.
        network: Name of the network.
        way: How it was compiled.
        right: Images whose largest score is that of their label.
        images: How many there were.
        drop: Points below float32; below zero if it is better.
    """

    data: str
    network: str
    way: Way
    right: int
    images: int
    drop: float

    @property
    def percent(self) -> float:
        """Of the images."""
        return 100.0 * self.right / self.images


def accuracies(
    network: str, saved_model: Path, data: DataSet, ways: Sequence[Way] = WAYS
) -> Iterator[Accuracy]:
    """Measures one way after the other; the first is what others are compared with."""
    first = None
    for way in ways:
        right = _right(saved_model, data, way)
        first = right if first is None else first
        images = len(data.test.labels)
        drop = 100.0 * (first - right) / images
        yield Accuracy(data.name, network, way, right, images, drop)


def _right(saved_model: Path, data: DataSet, way: Way) -> int:
    with tempfile.TemporaryDirectory() as folder:
        artifact = tfnative.compile(
            saved_model,
            Path(folder) / "model",
            batch_sizes=[_ROWS],
            cpus=["native"],
            precision=way.precision,
            calibration={"image": data.samples} if way.method else None,
            calibration_method=way.method or "mse",
        )
        with tfnative.load(artifact) as model:
            return _count(model, data.test)


def _count(model: tfnative.NativeModel, test: Images) -> int:
    right = 0
    for start in range(0, len(test.labels), _ROWS):
        rows = slice(start, start + _ROWS)
        (scores,) = model.predict({"image": test.pixels[rows]}).values()
        right += int((scores.argmax(axis=1) == test.labels[rows]).sum())
    return right
