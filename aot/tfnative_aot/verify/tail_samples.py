# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs to try a model on of which TensorFlow runs the tail, and what is tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tfnative.errors import CompileError
from tfnative_aot.load.source import BATCH
from tfnative_aot.split.mixing import mixes_rows
from tfnative_aot.verify.samples import Arrays, Sample, Sampler, close
from tfnative_aot.verify.split_samples import SplitSampler

if TYPE_CHECKING:
    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.split.cut_tail import TailCut
    from tfnative_aot.split.tensorflow_part import HeadRunner, TailRunner

_ROWS = 9
_PARTS = ([0], [8], [0, 1], [2, 3, 4, 5], [*range(8)], [*range(8, -1, -1)], [3] * 5)
"""Rows that a tail is given alone, in another order, and more than once."""


class TailSampler(SplitSampler):
    """Draws inputs for a model of which TensorFlow runs the tail, perhaps a head, too.

    Samples have the inputs of the whole, and TensorFlow's results where the compiled
    code ends: these are what that code is judged by. What follows may turn the last
    bit of a number into another label, and is judged by itself.
    """

    def __init__(
        self,
        model: LoadedModel,
        core: Sampler,
        parts: TailCut,
        shapes: Mapping[str, tuple[int, ...]],
        runner: HeadRunner | None,
        tail: TailRunner,
        given: Arrays | None,
    ) -> None:
        """Args: as ``SplitSampler``, and the tail."""
        super().__init__(model, core, parts.whole, shapes, runner, given)
        self._tail = tail
        self._mixes = mixes_rows(parts.graph)

    def answered(self, inputs: Arrays) -> Sample:
        """See ``Sampler``. Raises what TensorFlow raises in any part, too."""
        super().reference(inputs)
        return super().answered(inputs)

    def reference(self, inputs: Mapping[str, npt.NDArray[np.generic]]) -> Arrays:
        """TensorFlow's results where the compiled code ends."""
        return self._core.reference(self.fed(dict(inputs)))

    def completed(self, sample: Sample) -> Sample:
        """A sample with the outputs of the whole, and what there is between."""
        whole = super().reference(sample.inputs)
        return replace(sample, outputs=whole, between=sample.outputs)

    def check_tail(self, samples: Iterable[Sample]) -> None:
        """See ``Sampler``."""
        for sample in samples:
            whole = super().reference(sample.inputs)
            found = self._tail.run(sample.inputs, sample.outputs)
            for name, expected in whole.items():
                if not same(found[name], expected):
                    raise CompileError(
                        f"signature {self.graph.signature!r}: it cannot be cut: output "
                        f"{name!r} of its parts is not that of the whole model"
                    )

    def tail_keeps_rows(self) -> bool:
        """Whether the tail gives a row what it gives it among others."""
        tail = self._tail.tail
        if self._mixes or any(_has_open_size(t.shape) for t in tail.outputs):
            return False
        try:
            sample = self.sample(_ROWS)
            full = self._tail.run(sample.inputs, sample.outputs)
            trials = list(self._trials(sample))
        except Exception:  # Whatever TensorFlow raises where it needs other numbers.
            return False
        return all(
            len(full[t.name]) == _ROWS
            and all(same(out[t.name], full[t.name][rows]) for rows, out in trials)
            for t in tail.outputs
        )

    def _trials(self, sample: Sample) -> Iterator[tuple[list[int], Arrays]]:
        """What the tail gives for some of the rows."""
        batched = {t.name for t in self._tail.tail.inputs if t.shape[:1] == (BATCH,)}
        assert sample.outputs
        for rows in _PARTS:
            inputs = {
                n: a[rows] if n in batched else a for n, a in sample.inputs.items()
            }
            between = {
                name: array[rows] if array.shape[:1] == (_ROWS,) else array
                for name, array in sample.outputs.items()
            }
            yield rows, self._tail.run(inputs, between)


def same(got: npt.NDArray[np.generic], expected: npt.NDArray[np.generic]) -> bool:
    """Whether results are the same: numbers but for rounding, all others exactly."""
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return False
    if expected.dtype == object:
        return bool(np.array_equal(got, expected))
    return close(got, expected)


def _has_open_size(shape: tuple[int, ...] | None) -> bool:
    """Whether a tensor may be without rows, or wider for some rows than for others."""
    return not shape or shape[0] != BATCH or BATCH in shape[1:]
