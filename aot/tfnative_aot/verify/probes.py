# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an artifact is tried on, with TensorFlow's answers in float32 and float64."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from tfnative.errors import CompileError
from tfnative_aot.verify.exact import Exact
from tfnative_aot.verify.golden import Inputs, chunks
from tfnative_aot.verify.mixed_scales import Scaling, batches, scaled, scalings
from tfnative_aot.verify.samples import Arrays, Sample, Sampler

_LARGE_ROWS = 9
_TINY_ROWS = 4
_MOST_MIXED_ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class Probe:
    """Inputs for one batch size.

    Attributes:
        batch_size: A compiled one; 0 without a batch dimension.
        sample: As many rows, and TensorFlow's answers.
        exact: The same answers in float64, of outputs that have one.
        reasons: Why the others have none, by their names.
        mixed: How its rows are scaled; empty for ordinary inputs.
        reach: What each element of ``exact`` sees of the inputs; takes time.
    """

    batch_size: int
    sample: Sample
    exact: Arrays
    reasons: Mapping[str, str] = field(default_factory=dict)
    mixed: tuple[Scaling, ...] = ()
    reach: Callable[[], Arrays] | None = None

    @property
    def is_tiny(self) -> bool:
        """Whether a part of each row is tiny, so that little may be seen of it.

        Beside constants of the model, that is lost in TensorFlow, too, or is not, by
        luck. So it decides about Winograd's algorithm only.
        """
        return bool(self.mixed) and all(how.factor < 1 for how in self.mixed)


def make_probes(
    sampler: Sampler,
    exact: Exact,
    batch_sizes: Sequence[int],
    user_inputs: Inputs | None,
    *,
    mixed: bool,
    several: bool = False,
) -> list[Probe]:
    """Inputs for every batch size: generated ones, and the user's.

    Args:
        sampler: Draws inputs, and asks TensorFlow.
        exact: Answers in float64.
        batch_sizes: The compiled ones; empty without a batch dimension.
        user_inputs: Those of the user, or None.
        mixed: Whether to try rows of very different sizes, too.
        several: Whether one sample may be off by luck.
    """
    sizes = batch_sizes or (0,)
    probes = [
        _probe(sampler, exact, batch_size, sample)
        for batch_size in sizes
        for sample in _ordinary(sampler, batch_size, user_inputs, several)
    ]
    # Without answers in float64 there is nothing to judge such rows by.
    if mixed and all(probe.exact for probe in probes):
        fitting = [size for size in sizes if size <= _MOST_MIXED_ROWS_AT_ONCE]
        probes += _mixed(sampler, exact, max(fitting, default=min(sizes)))
    exact.release()
    return probes


def tried_on(probes: Sequence[Probe], *, tiny: bool, emulated: bool) -> list[Probe]:
    """Those of a signature's probes that are worth their time.

    Args:
        probes: All of them.
        tiny: Whether tiny inputs decide about anything.
        emulated: Whether each run takes long: one of the mixed probes has to do.
    """
    ordinary = [probe for probe in probes if not probe.mixed]
    mixed = [p for p in probes if p.mixed and (tiny or not p.is_tiny)]
    return ordinary + (mixed[:1] if emulated else mixed)


def _ordinary(
    sampler: Sampler, batch_size: int, user_inputs: Inputs | None, several: bool
) -> Iterator[Sample]:
    try:
        sample = sampler.sample(batch_size)
        if several:
            yield from _turned(sampler, sample.inputs)
        # What is undefined is tried only where there is nothing else.
        if user_inputs is None or not sample.undefined:
            yield sample
    except CompileError:
        # TensorFlow takes nothing that is drawn; the user's inputs are for that.
        if user_inputs is None:
            raise
    if user_inputs is not None:
        for chunk in chunks(sampler.graph, user_inputs, batch_size):
            yield sampler.answered(chunk)


def _turned(sampler: Sampler, inputs: Arrays) -> Iterator[Sample]:
    """The same numbers in other places."""
    for places in (1, 2):
        turned = {
            name: np.roll(array, places, -1) if array.ndim else array
            for name, array in inputs.items()
        }
        try:
            yield sampler.answered(turned)
        except Exception:  # TensorFlow refuses what was made of the inputs.
            continue


def _mixed(sampler: Sampler, exact: Exact, batch_size: int) -> Iterator[Probe]:
    tensors = sampler.graph.inputs
    try:
        inputs = sampler.sample(batch_size).inputs
    except CompileError:  # It was compared on the user's inputs alone.
        return
    known = scalings(tensors)
    large = [how for how in known if how.factor > 1]
    tiny = [how for how in known if how.factor < 1]
    rows = max(batch_size, 1)
    for chosen in (
        *batches(rows, large, _LARGE_ROWS),
        *batches(rows, tiny, _TINY_ROWS),
    ):
        changed = scaled(inputs, tensors, chosen)
        try:
            sample = sampler.answered(changed)
        except Exception:  # TensorFlow refuses what was made of the inputs.
            continue
        if sample.undefined:
            continue
        probe = _probe(sampler, exact, batch_size, sample, chosen)
        if probe.exact:
            yield probe


def _probe(
    sampler: Sampler,
    exact: Exact,
    batch_size: int,
    sample: Sample,
    mixed: Iterable[Scaling] = (),
) -> Probe:
    fed = sampler.fed(sample.inputs)
    answers = exact.outputs(fed)
    given = replace(sample, inputs=sampler.given(sample.inputs))
    reach = cache(lambda: exact.reach(fed))
    return Probe(batch_size, given, answers, dict(exact.reasons), tuple(mixed), reach)
