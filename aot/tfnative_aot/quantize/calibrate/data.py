# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Samples of what a model will be given, from which ranges are found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfnative._compile.options import Calibration
from tfnative.errors import InvalidArgumentError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.source import BATCH, Arrays
from tfnative_aot.quantize.calibrate.fitting import (
    Block,
    fitting_block,
    samples_of,
)
from tfnative_aot.quantize.calibrate.sources import blocks_of, is_at_hand

SAMPLES = 300
"""How many are used if nobody says how many; 100 to 500 are usual."""

FEW = 100
"""Fewer are used, but it is said."""

READ_PER_SAMPLE = 10
"""So many are read for each one that is used: what is read may have no end."""

FEWEST_HELD_OUT = 20
"""Of fewer samples, all are needed for ranges."""

_HELD_OUT = 10
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

    def held_out(self) -> tuple[CalibrationData, CalibrationData | None]:
        """Samples to find ranges of, and a tenth that says how well these do.

        The tenth is None of fewer than ``FEWEST_HELD_OUT`` samples.
        """
        if len(self.samples) < FEWEST_HELD_OUT:
            return self, None
        numbers = range(len(self.samples))
        kept = [n for n in numbers if (n + 1) % _HELD_OUT]
        return self.chosen(kept), self.chosen(numbers[_HELD_OUT - 1 :: _HELD_OUT])

    def chosen(self, numbers: Iterable[int]) -> CalibrationData:
        """Some of the samples, by their numbers."""
        numbers = tuple(numbers)
        return replace(
            self,
            samples=tuple(self.samples[n] for n in numbers),
            places=tuple(self.places[n] for n in numbers if self.places),
        )

    def after(
        self, head: Callable[[Arrays], Arrays], inputs: Sequence[GraphTensor]
    ) -> CalibrationData:
        """What a head that TensorFlow runs makes of the samples, one by one.

        Args:
            head: What it gives for a batch, of one row if there are rows.
            inputs: What is compiled takes of that.

        Raises:
            InvalidArgumentError: It gives something else.
        """
        blocks = []
        for chunk in self.chunks(1):
            found = head(chunk)
            own = {tensor.name: found[tensor.name] for tensor in inputs}
            # A parser may give NaN for what is missing, and the model look for that.
            blocks.append(fitting_block(own, inputs, "behind the head, ", finite=False))
        has_batch = any(tensor.shape and tensor.shape[0] == BATCH for tensor in inputs)
        return replace(
            self,
            samples=tuple(block.sample(0) for block in blocks),
            stacked=blocks[0].stacked if has_batch else frozenset(),
        )

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
    messages: str = "",
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
        messages: The input that the messages of a TFRecord file are for themselves,
            if there is one.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: Something does not fit, or there are no samples.
    """
    blocks = blocks_of(given, inputs, others, messages)
    if is_at_hand(given):
        drawn = _drawn(next(blocks), samples)
        bound = None
    else:
        bound = samples * READ_PER_SAMPLE
        drawn = _drawn_while_read(blocks, samples, bound)
    if not drawn.samples:
        raise InvalidArgumentError("--calibration: there are no samples in it")
    _check_not_zero(drawn.samples, inputs)
    has_batch = any(tensor.shape and tensor.shape[0] == BATCH for tensor in inputs)
    return CalibrationData(
        drawn.samples,
        drawn.stacked if has_batch else frozenset(),
        drawn.seen,
        tuple(_warnings(drawn.samples, inputs, bound if drawn.seen == bound else None)),
        drawn.places,
        drawn.seen == bound,
    )


@dataclass(frozen=True)
class _Drawn:
    samples: tuple[Arrays, ...]
    stacked: frozenset[str]
    seen: int
    places: tuple[int, ...]


def _drawn(block: Block, most: int) -> _Drawn:
    """Some samples of those in a block, each with the same chance."""
    places = np.arange(block.count)
    if block.count > most:
        rng = np.random.default_rng(_SEED)
        places = np.sort(rng.choice(block.count, most, replace=False))
    chosen = tuple(int(place) for place in places)
    found = tuple(block.sample(place) for place in chosen)
    return _Drawn(found, block.stacked, block.count, chosen)


def _drawn_while_read(blocks: Iterator[Block], most: int, bound: int) -> _Drawn:
    """Likewise of blocks that come one by one, of which none is kept.

    That is Vitter's algorithm R: each sample takes the place of another with a lower
    chance than the one before it.
    """
    kept: list[tuple[int, Arrays]] = []
    stacked: frozenset[str] = frozenset()
    rng = np.random.default_rng(_SEED)
    seen = 0
    for block, number in samples_of(blocks, bound):
        stacked = block.stacked
        place = seen if seen < most else int(rng.integers(seen + 1))
        if place < most:
            kept[place : place + 1] = [(seen, block.sample(number))]
        seen += 1
    kept.sort(key=lambda each: each[0])
    found = tuple(sample for _, sample in kept)
    return _Drawn(found, stacked, seen, tuple(place for place, _ in kept))


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
