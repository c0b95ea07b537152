# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What classification gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Classifications:
    """Classes of some examples.

    Attributes:
        labels: Names of the classes, str: (rows, classes), if each row has its own, or
            (classes,). None if nobody knows them.
        scores: How much speaks for each: (rows, classes), float32 mostly. None if the
            model gives labels only.
    """

    labels: npt.NDArray[np.object_] | None
    scores: npt.NDArray[Any] | None

    def __len__(self) -> int:
        """How many examples there are."""
        found = self.labels if self.scores is None else self.scores
        return 0 if found is None else len(found)

    def top(self, k: int = 1) -> list[list[tuple[str | int, float | None]]]:
        """The best classes of each example, best first.

        Args:
            k: How many; fewer if there are not so many.

        Returns:
            For each example pairs of a label, or the number of the class if it has no
            label, and a score. Classes of the same score come in the model's order, and
            so do all if there are no scores.
        """
        return [self._top_of(row, k) for row in range(len(self))]

    def _top_of(self, row: int, k: int) -> list[tuple[str | int, float | None]]:
        labels = self.labels
        if labels is not None and labels.ndim == 2:
            labels = labels[row]
        if self.scores is None:
            return [(label, None) for label in (() if labels is None else labels[:k])]
        scores = self.scores[row]
        # Of NaNs nobody knows how good they are: they come last.
        order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")[:k]
        return [
            (int(i) if labels is None else labels[i], float(scores[i])) for i in order
        ]
