# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Samples of what a model will be given, from which ranges are found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tfnative._compile.options import Calibration
from tfnative.errors import InvalidArgumentError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.source import BATCH, Arrays
from tfnative_aot.quantize.calibrate.fitting import samples_of
from tfnative_aot.quantize.calibrate.sources import blocks_of, is_at_hand

SAMPLES = 300
"""How many are used if nobody says how many; 100 to 500 are usual."""

FEW = 100
"""Fewer are used, but it is said."""

READ_PER_SAMPLE = 10
"""So many are read for each one that is used: what is read may have no end."""

_SEED = 2017


@dataclass(frozen=True)
class CalibrationData:
    """Samples that fit a signature.

    Attributes:
        samples: The inputs of each, without the dimension that counts rows.
        stacked: The inputs that have a row for each sample, where the signature has a
            batch. Empty if samples are run one by one.
        seen: How many samples there were to choose from.
        warnings: What is to be said of them, in whole sentences.
        places: Of each sample, how many came before it in what was given.
        is_bounded: Whether no more than ``seen`` were looked at, and there may be more.
    """

    samples: tuple[Arrays, ...]
    stacked: frozenset[str]
    seen: int
    warnings: tuple[str, ...]
    places: tuple[int, ...] = ()
    is_bounded: bool = False

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.samples)

    def chunks(self, rows: int) -> Iterator[Arrays]:
        """All samples in order, in batches of up to so many rows, ready to be run.

        Samples share a batch only if inputs without rows are the same for both.
        """
        waiting: list[Arrays] = []
        for sample in self.samples:
            is_full = len(waiting) >= rows
            if waiting and (is_full or not self._share(waiting[0], sample)):
                yield self._stack(waiting)
                waiting = []
            waiting.append(sample)
        yield self._stack(waiting)

    def _share(self, one: Arrays, other: Arrays) -> bool:
        if not self.stacked:
            return False
        shared = one.keys() - self.stacked
        return all(
            one[name] is other[name] or np.array_equal(one[name], other[name])
            for name in shared
        )

    def _stack(self, samples: Sequence[Arrays]) -> Arrays:
        first = samples[0]
        return {
            name: np.stack([each[name] for each in samples])
            if name in self.stacked
            else first[name]
            for name in first
        }


def read_calibration(
    given: Calibration,
    inputs: Sequence[GraphTensor],
    *,
    samples: int = SAMPLES,
    others: Collection[str] = (),
) -> CalibrationData:
    """Reads samples, and checks them before anything runs.

    If there are more than ``samples``, as many are drawn of all that are read, each
    with the same chance; the same data always give the same ones.

    Args:
        given: Arrays by input; the path of a .npz file with these; the path of a
            TFRecord file of tf.Example messages, whose features are named as the
            inputs; or anything that gives mappings from inputs to arrays, of which ten
            times as many samples are read as are used. See ``fitting_block`` for the
            shapes.
        inputs: The signature's.
        samples: How many are used at most.
        others: Names of arrays that are meant for other signatures.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: Something does not fit, or there are no samples.
    """
    kept: list[tuple[int, Arrays]] = []
    stacked: frozenset[str] = frozenset()
    has_batch = any(tensor.shape and tensor.shape[0] == BATCH for tensor in inputs)
    most = None if is_at_hand(given) else samples * READ_PER_SAMPLE
    rng = np.random.default_rng(_SEED)
    seen = 0
    for block, number in samples_of(blocks_of(given, inputs, others), most):
        stacked = block.stacked if has_batch else frozenset()
        # Vitter's algorithm R: whoever comes later replaces one with a lower chance.
        place = seen if seen < samples else int(rng.integers(seen + 1))
        if place < samples:
            kept[place : place + 1] = [(seen, block.sample(number))]
        seen += 1
    if not kept:
        raise InvalidArgumentError("--calibration: there are no samples in it")
    kept.sort(key=lambda each: each[0])
    found = tuple(sample for _, sample in kept)
    _check_not_zero(found, inputs)
    is_bounded = seen == most
    warnings = tuple(_warnings(found, inputs, seen if is_bounded else None))
    places = tuple(place for place, _ in kept)
    return CalibrationData(found, stacked, seen, warnings, places, is_bounded)


def _check_not_zero(samples: Sequence[Arrays], inputs: Sequence[GraphTensor]) -> None:
    floats = [t.name for t in inputs if t.dtype.startswith(("float", "bfloat"))]
    if floats and all(_is_zero(samples, tensor.name) for tensor in inputs):
        raise InvalidArgumentError(
            f"--calibration: all numbers of all {len(samples)} samples are 0, of which "
            "no ranges can be found; give inputs as the model will get them"
        )


def _warnings(
    samples: Sequence[Arrays], inputs: Sequence[GraphTensor], bound: int | None
) -> Iterator[str]:
    if len(samples) < FEW:
        count = f"{len(samples)} samples are" if len(samples) > 1 else "one sample is"
        yield f"{count} few to find ranges of; 100 to 500 are usual"
    if bound is not None:
        yield f"only the first {bound} samples were read, and ranges are found of these"
    for tensor in inputs:
        if tensor.dtype != "string" and _is_zero(samples, tensor.name):
            yield f"input {tensor.name!r} is 0 in all samples"


def _is_zero(samples: Sequence[Arrays], name: str) -> bool:
    arrays = (each[name] for each in samples)
    return all(a.dtype != object and not np.any(a) for a in arrays)
