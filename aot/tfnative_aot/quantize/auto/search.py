# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lets layers go back to floats, one by one, until a budget holds.

The next one is that which saves least time for the error that it makes alone. Errors
of layers add up, nearly, so this gives up little time for much of the error. Where
weights in float16 are no slower than in float32, a layer goes back to these: their
error is some hundred times smaller than that of 8 bits. Only if all layers have gone
back and the budget still does not hold, float16 becomes float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfnative_aot.quantize.auto.halves import FLOAT16, FLOAT32
from tfnative_aot.quantize.auto.judge import Judge, Loss
from tfnative_aot.quantize.auto.layers import Layers, Types

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
class Move:
    """A layer that goes back.

    Attributes:
        layer: Its node; "" before any has gone.
        to: The type that its weights are stored in then.
    """

    layer: str
    to: str


@dataclass(frozen=True)
class Step:
    """A move, and what the model loses behind it."""

    move: Move
    loss: Loss
    holds: bool


def sensitivities(
    layers: Layers, judge: Judge, progress: Progress
) -> Mapping[str, Loss]:
    """What is lost with each layer alone in 8 bits."""
    names = list(layers.nodes)
    layers.observe([{}, *(_without(names, name) for name in names)])
    progress.stage("quantize each layer alone", len(names))
    found = {}
    for name in names:
        alone = layers.reference(_without(names, name))
        found[name] = judge.judge(alone, _CHUNKS)
        progress.advance(name)
    return found


def _without(names: Sequence[str], name: str) -> Types:
    return {each: FLOAT32 for each in names if each != name}


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


def moves_of(
    losses: Mapping[str, Loss],
    gained: Mapping[str, float],
    halves: Mapping[str, tuple[float, float]],
) -> tuple[Move, ...]:
    """All moves, those first that come first.

    Args:
        losses: Of each layer alone in 8 bits.
        gained: The time that it saves in 8 bits, against float32.
        halves: Of layers that may have float16 weights: the time that these save
            against float32, and the noise of these weights.
    """
    nothing = 0.0, 0.0
    by_int8 = {n: time - halves.get(n, nothing)[0] for n, time in gained.items()}
    first = in_order(losses, by_int8)

    def worth(name: str) -> float:
        time, noise = halves[name]
        return max(time, 0.0) / noise if noise else math.inf

    then = [name for name in sorted(halves, key=worth) if halves[name][1]]
    return (
        *(Move(name, FLOAT16 if name in halves else FLOAT32) for name in first),
        *(Move(name, FLOAT32) for name in then),
    )


def search(
    moves: Callable[[], Sequence[Move]],
    attempt: Callable[[Types], Loss],
    holds: Callable[[Loss], bool],
    progress: Progress,
) -> tuple[Step, ...]:
    """The way from all layers in 8 bits to where the budget holds.

    Args:
        moves: Gives all moves in order, the last of which leave nothing lost. It is
            asked if the budget does not hold as it is.
        attempt: What is lost with these types of the layers that have gone back.
        holds: Whether that is little enough.
        progress: Is told of each attempt.
    """
    progress.stage("try all layers in 8 bits", 1)
    loss = attempt({})
    steps = [Step(Move("", ""), loss, is_enough := holds(loss))]
    progress.advance("all in 8 bits")
    if is_enough:
        return tuple(steps)
    left = moves()
    progress.stage("let layers return to floats", len(left))
    types: dict[str, str] = {}
    for move in left:
        types[move.layer] = move.to
        loss = attempt(dict(types))
        steps.append(Step(move, loss, is_enough := holds(loss)))
        progress.advance(f"{len(types)} no longer in 8 bits")
        if is_enough:
            break
    return tuple(steps)
