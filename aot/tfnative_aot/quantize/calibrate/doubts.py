# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What may be wrong with ranges, where it is no error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tfnative._compile.options import CalibrationMethod
from tfnative_aot.quantize.calibrate.methods import PERCENTILE
from tfnative_aot.quantize.calibrate.observed import BINS, Observed

_SHOWN = 3


def doubts(observed: Iterable[Observed], method: CalibrationMethod) -> Iterator[str]:
    """Sentences without full stops, each of which names the first few tensors.

    Args:
        observed: All tensors that ranges are found of.
        method: How these are found.
    """
    seen = tuple(observed)
    yield from _about(
        "tensors that are 0 in all samples, and have no range",
        [each.name for each in seen if each.values and each.zeros == each.values],
    )
    yield from _about(
        "tensors that have no values in any sample",
        [each.name for each in seen if each.values + each.not_finite == 0],
    )
    yield from _about(
        "tensors that have values that are not finite, and no range",
        [each.name for each in seen if each.not_finite],
    )
    fewest = fewest_values(method)
    yield from _about(
        f"tensors with fewer than the {fewest} values that {method} needs to leave any "
        "out",
        [each.name for each in seen if 0 < each.values < fewest],
    )


def fewest_values(method: CalibrationMethod) -> int:
    """How many values of a tensor a method needs to say more than the extremes do."""
    if method == "percentile":
        return round(100 / (100 - PERCENTILE))
    return BINS if method == "kl" else 0


def _about(what: str, names: list[str]) -> Iterator[str]:
    if names:
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        yield f"{what}: {len(names)} ({shown})"
