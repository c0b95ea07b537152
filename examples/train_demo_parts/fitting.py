# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a training says of itself, and whether that is what it should be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from train_demo_parts.command import FailedError
from train_demo_parts.kill import Kill

LEAST_ACCURACY = 0.95

_STEPS = re.compile(r"steps: (\d+), (\d+) of them in ([\d.]+) s")
_HELD_OUT = re.compile(r"held-out accuracy: ([\d.]+) ")
_BEGIN = re.compile(r"begins at step (\d+) of (\d+)")


@dataclass(frozen=True)
class Fit:
    """What came of a training.

    Attributes:
        strategy: Its name.
        steps: Batches that the weights have seen.
        steps_per_second: Of the process that ended the training.
        accuracy: On held-out rows, in [0, 1].
        begins: The step at which each process of a cluster's chief began.
    """

    strategy: str
    steps: int
    steps_per_second: float
    accuracy: float
    begins: tuple[int, ...] = ()

    @classmethod
    def read(cls, strategy: str, lines: Sequence[str]) -> Fit:
        """Reads what ``python -m training fit`` has printed.

        Raises:
            FailedError: It has no summary.
        """
        steps = [found for line in lines if (found := _STEPS.match(line))]
        held_out = [found for line in lines if (found := _HELD_OUT.match(line))]
        if not (steps and held_out):
            raise FailedError(f"{strategy} printed no summary")
        seconds = float(steps[-1][3])
        return cls(
            strategy=strategy,
            steps=int(steps[-1][1]),
            steps_per_second=int(steps[-1][2]) / seconds if seconds else 0.0,
            accuracy=float(held_out[-1][1]),
            begins=tuple(
                int(found[1]) for line in lines if (found := _BEGIN.match(line))
            ),
        )

    def check(self) -> None:
        """Compares the accuracy with what a sound training reaches.

        Raises:
            FailedError: It is lower.
        """
        if self.accuracy < LEAST_ACCURACY:
            raise FailedError(
                f"{self.strategy} has {self.accuracy:.1%} of the held-out digits "
                f"right, and not {LEAST_ACCURACY:.0%}"
            )

    def went_on_after(self, kill: Kill) -> int:
        """The step from which training went on after a member was killed.

        Raises:
            FailedError: It did not go on, or lost more than the steps since the last
                checkpoint.
        """
        if kill.pid is None:
            raise FailedError(f"{self.strategy} was done before anybody was killed")
        if len(self.begins) < 2:
            raise FailedError(f"{self.strategy} did not begin again after the kill")
        step = self.begins[1]
        if step < kill.step:
            raise FailedError(
                f"{self.strategy} went on from step {step}, though there was a "
                f"checkpoint of step {kill.step} when {kill.member} was killed"
            )
        return step
