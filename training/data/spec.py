# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a data set consists of: its features, and its rows as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

STORED = ("floats", "integers", "pixels", "samples", "text")


@dataclass(frozen=True)
class FeatureSpec:
    """One input of a model.

    Attributes:
        shape: Without the rows.
        dtype: Name of NumPy's dtype that a model gets.
        stored: How a tf.Example holds a row. ``floats`` and ``integers``: a list of
            them. ``pixels``: bytes of uint8, which become float32 in [0, 1].
            ``samples``: bytes of little-endian int16, which become float32 in [-1, 1).
            ``text``: a line of bytes, which become int32, cut or filled with zeros to
            the shape.
        below: What integers are less than, for those who look them up; else 0.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    stored: str = "floats"
    below: int = 0

    def __post_init__(self) -> None:
        if self.stored not in STORED:
            raise ValueError(f"stored must be one of {STORED}, not {self.stored!r}")


@dataclass(frozen=True)
class Arrays:
    """Rows in memory.

    Attributes:
        features: By name, (rows, ...), as they are stored: uint8 for pixels, int16 for
            samples, float32 for floats, int64 for integers, bytes objects for text.
        labels: int64 classes, or float32 values, (rows,).
    """

    features: Mapping[str, NDArray[Any]]
    labels: NDArray[Any]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.labels)


@dataclass(frozen=True)
class Source:
    """What a source of data gives, before it is written.

    Attributes:
        task: ``classify`` or ``regress``.
        features: What a row consists of.
        labels: Names of the classes; empty for ``regress``.
        train: Rows to train on.
        held_out: Rows that training never sees.
        assets: Text files that belong to the data, content by name.
    """

    task: str
    features: Mapping[str, FeatureSpec]
    labels: tuple[str, ...]
    train: Arrays
    held_out: Arrays
    assets: Mapping[str, str] = field(default_factory=dict)


def as_model_input(spec: FeatureSpec, rows: NDArray[Any]) -> NDArray[Any]:
    """Stored rows as a model gets them; the same as reading does in TensorFlow."""
    full_scale = {"pixels": 255, "samples": 32768}.get(spec.stored)
    if full_scale is not None:
        scaled: NDArray[Any] = rows.astype(np.float32) / np.float32(full_scale)
        return scaled.reshape(-1, *spec.shape)
    if spec.stored == "text":
        (length,) = spec.shape
        lines = [line[:length].ljust(length, b"\0") for line in rows]
        joined = np.frombuffer(b"".join(lines), np.uint8)
        return joined.astype(np.int32).reshape(-1, length)
    return rows.astype(spec.dtype).reshape(-1, *spec.shape)
