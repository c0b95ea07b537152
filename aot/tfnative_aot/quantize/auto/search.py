# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lets layers go back to float32, one by one, until a budget holds.

The next one is that which saves least time for the error that it makes alone. Errors
of layers add up, nearly, so this gives up little time for much of the error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfnative_aot.quantize.auto.judge import Judge, Loss
from tfnative_aot.quantize.static.quantize import StaticQuantizer

if TYPE_CHECKING:
    from tfnative_aot.progress import Progress

_CHUNKS = 8
"""Of samples that a layer alone is judged by: its error is a sum over all numbers."""


@dataclass(frozen=True)
class Budget:
    """What may be lost.

    Attributes:
        kind: "accuracy", or "signal_to_noise".
        allowed: Points of percent less than float32 at most, or decibels at least.
    """

    kind: str
    allowed: float

    def holds(self, loss: Loss, judge: Judge) -> bool:
        """Whether no more is lost."""
        if self.kind == "accuracy":
            assert loss.right is not None
            assert judge.exact.right is not None
            # In whole samples, of which no rounding makes another number.
            lost = judge.exact.right - loss.right
            return lost * 100 <= self.allowed * judge.samples * (1 + 1e-9)
        ratio = loss.signal_to_noise
        return ratio is None or ratio >= self.allowed


@dataclass(frozen=True)
class Step:
    """A layer that went back, or none at first, and what the model loses then."""

    returned: str
    loss: Loss
    holds: bool


def sensitivities(
    quantizer: StaticQuantizer, judge: Judge, progress: Progress
) -> Mapping[str, Loss]:
    """What is lost with each layer alone in 8 bits."""
    names = [step.node.name for step in quantizer.products]
    quantizer.observe([(), *(_without(names, name) for name in names)])
    progress.stage("quantize each layer alone", len(names))
    found = {}
    for name in names:
        alone = quantizer.graph(_without(names, name))
        found[name] = judge.judge(alone.graph_def, _CHUNKS)
        progress.advance(name)
    return found


def _without(names: Sequence[str], name: str) -> frozenset[str]:
    return frozenset(each for each in names if each != name)


def in_order(
    losses: Mapping[str, Loss], gained: Mapping[str, float]
) -> tuple[str, ...]:
    """The layers, those first that are to go back first."""

    def worth(name: str) -> tuple[float, float]:
        noise, time = losses[name].noise, gained[name]
        if time <= 0:  # It is no loss: the worst first.
            return -math.inf, -noise
        return (time / noise if noise else math.inf), time

    return tuple(sorted(losses, key=worth))


def search(
    order: Sequence[str],
    attempt: Callable[[frozenset[str]], Loss],
    holds: Callable[[Loss], bool],
    progress: Progress,
) -> tuple[Step, ...]:
    """The way from all layers in 8 bits to where the budget holds.

    Args:
        order: The layers, those first that go back first.
        attempt: What is lost if these have gone back.
        holds: Whether that is little enough.
        progress: Is told of each attempt.
    """
    progress.stage("let layers return to float32", len(order) + 1)
    kept: list[str] = []
    loss = attempt(frozenset())
    steps = [Step("", loss, holds(loss))]
    progress.advance("all in 8 bits")
    for name in order:
        if steps[-1].holds:
            break
        kept.append(name)
        loss = attempt(frozenset(kept))
        steps.append(Step(name, loss, holds(loss)))
        progress.advance(f"{len(order) - len(kept)} of {len(order)} in 8 bits")
    return tuple(steps)
