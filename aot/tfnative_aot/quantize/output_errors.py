# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How far a model in lower precision is from the same in float32."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tfnative.manifest import OutputPrecision
from tfnative_aot.quantize.rounding import signal_to_noise

Array = npt.NDArray[np.generic]
Doubles = npt.NDArray[np.float64]


def output_errors(
    names: Mapping[str, bool],
    expected: Sequence[Mapping[str, Array]],
    found: Sequence[Mapping[str, Array]],
) -> Iterator[OutputPrecision]:
    """Errors of all outputs in floats, over all samples together.

    Args:
        names: The outputs, and whether they have a row for each row of the batch.
        expected: What float32 gives for each sample.
        found: What lower precision gives.
    """
    for name, has_rows in names.items():
        if not all(np.issubdtype(each[name].dtype, np.floating) for each in expected):
            continue
        pairs = [
            (np.asarray(a[name], np.float64), np.asarray(b[name], np.float64))
            for a, b in zip(expected, found, strict=True)
            if a[name].shape == b[name].shape
        ]
        if not pairs:
            continue
        wanted = np.concatenate([a.ravel() for a, _ in pairs])
        got = np.concatenate([b.ravel() for _, b in pairs])
        both = np.isfinite(wanted) & np.isfinite(got)
        is_known = bool(np.array_equal(np.isfinite(wanted), np.isfinite(got)))
        is_batch = has_rows and all(a.ndim for a, _ in pairs)
        yield OutputPrecision(
            output=name,
            rows=sum(len(a) for a, _ in pairs) if is_batch else 0,
            signal_to_noise=(
                signal_to_noise(wanted[both], got[both]) if is_known else None
            ),
            cosine=_cosine(wanted, got),
            same_top=_same_top(pairs) if is_batch else None,
        )


def _cosine(
    wanted: npt.NDArray[np.float64], got: npt.NDArray[np.float64]
) -> float | None:
    sizes = float(np.linalg.norm(wanted)) * float(np.linalg.norm(got))
    if not np.isfinite(sizes) or not sizes:
        return None
    return float(np.clip(wanted @ got / sizes, -1, 1))


def _same_top(pairs: Sequence[tuple[Array, Array]]) -> float | None:
    if any(a.ndim != 2 or a.shape[1] < 2 for a, _ in pairs):
        return None
    same = [a.argmax(axis=1) == b.argmax(axis=1) for a, b in pairs]
    together = np.concatenate(same)
    return float(together.mean()) if together.size else None
