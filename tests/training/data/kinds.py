# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets for tests: one with each way to store rows, and one of plain numbers."""

from __future__ import annotations

import numpy as np

from training.data.spec import Arrays, FeatureSpec, Source


def all_kinds(rows: int = 6, task: str = "classify") -> Source:
    """A feature for each way to store rows."""
    random = np.random.default_rng(1)
    lines = np.empty(rows, object)
    some = [b"", b"a", b"line", b"\x00z", b"long" * 9, b"12345678"]
    lines[:] = [some[row % len(some)] for row in range(rows)]
    stored = {
        "floats": (
            FeatureSpec((3, 2)),
            random.normal(size=(rows, 3, 2)).astype(np.float32),
        ),
        "integers": (
            FeatureSpec((2,), "int32", "integers", below=9),
            random.integers(0, 9, (rows, 2)),
        ),
        "pixels": (
            FeatureSpec((4, 4, 1), stored="pixels"),
            random.integers(0, 256, (rows, 4, 4, 1)).astype(np.uint8),
        ),
        "samples": (
            FeatureSpec((5,), stored="samples"),
            random.integers(-32768, 32768, (rows, 5)).astype(np.int16),
        ),
        "text": (FeatureSpec((8,), "int32", "text", below=128), lines),
    }
    labels = np.arange(rows)
    if task == "regress":
        labels = (labels / 3).astype(np.float32)
    part = Arrays({name: values for name, (_, values) in stored.items()}, labels)
    specs = {name: spec for name, (spec, _) in stored.items()}
    classes = _classes(rows) if task == "classify" else ()
    return Source(task, specs, classes, part, part)


def numbered(rows: int) -> Source:
    """Rows that each have their number as feature and as label."""
    number = np.arange(rows, dtype=np.float32)[:, np.newaxis]
    part = Arrays({"number": number}, np.arange(rows))
    return Source("classify", {"number": FeatureSpec((1,))}, _classes(rows), part, part)


def _classes(rows: int) -> tuple[str, ...]:
    """A name for each label."""
    return tuple(f"class {row}" for row in range(rows))
