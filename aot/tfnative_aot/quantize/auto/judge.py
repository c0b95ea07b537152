# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How much of a model's answers is lost in a graph with fewer bits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tfnative.errors import InvalidArgumentError
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.quantize.auto.labels import Classes, check_range
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.observe import session_run

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

Array = npt.NDArray[Any]
Answers = Mapping[str, Sequence[Array]]

_ROWS = 16
_MOST_NOISE = 1e30


@dataclass(frozen=True)
class Loss:
    """What a graph's answers are worth.

    Attributes:
        noise: The sum of the squares of what differs from float32, over that of
            float32's answers; of the worst output.
        right: How many labels have the largest score; None without labels.
    """

    noise: float
    right: int | None

    @property
    def signal_to_noise(self) -> float | None:
        """In decibels; None if nothing differs."""
        return decibels(self.noise)


class Judge:
    """Runs the graphs of a signature on the same samples, and compares answers.

    Attributes:
        samples: How many there are.
        exact: What float32 loses: nothing, but it may be wrong.
    """

    def __init__(
        self,
        graph: FrozenGraph,
        data: CalibrationData,
        labels: Classes | None = None,
        output: str | None = None,
    ) -> None:
        """Runs the signature as it is.

        Args:
            graph: The signature.
            data: Samples.
            labels: The class of each.
            output: The one with scores, if labels are given and it is not plain.

        Raises:
            InvalidArgumentError: No output, or several, could be meant; or a label is
                no class.
        """
        self._graph = graph
        self._data = data
        self._labels = labels
        self._names = [t.name for t in graph.outputs if t.dtype.startswith("float")]
        self._expected = self._run(graph.graph_def, data)
        self._scores: str | None = None
        if labels is not None:
            self._scores = self._find_scores(output)
            self._names = [self._scores]
            classes = np.concatenate(self._expected[self._scores]).shape[1]
            check_range(labels, classes, self._scores)
        elif not self._names:
            raise InvalidArgumentError(
                f"signature {graph.signature!r} has no output of floats, whose errors "
                "--precision auto could look at: take int8, and compare yourself"
            )
        self.samples = len(data)
        self.exact = Loss(0.0, self._right(self._expected))

    def judge(self, graph_def: GraphDef, most: int | None = None) -> Loss:
        """What a graph loses.

        Args:
            graph_def: With the inputs and outputs of the signature.
            most: How many chunks of samples are looked at; default: all.
        """
        data = self._data
        found = self._run(graph_def, data, most)
        noise = max(
            noise_share(self._expected[name][: len(found[name])], found[name])
            for name in self._names
        )
        return Loss(noise, None if most is not None else self._right(found))

    def _run(
        self, graph_def: GraphDef, data: CalibrationData, most: int | None = None
    ) -> Answers:
        places = {tensor.name: tensor.tensor for tensor in self._graph.inputs}
        tensors = {t.name: t.tensor for t in self._graph.outputs}
        names = self._names or list(tensors)
        run = session_run(graph_def, places)
        answers: dict[str, list[Array]] = {name: [] for name in names}
        for number, chunk in enumerate(data.chunks(_ROWS)):
            if most is not None and number >= most:
                break
            found = run(chunk, [tensors[name] for name in names])
            for name, array in zip(names, found, strict=True):
                row = np.asarray(array)
                alone = not data.stacked and row.ndim == 1
                answers[name].append(row[np.newaxis] if alone else row)
        return answers

    def _find_scores(self, asked: str | None) -> str:
        fitting = [name for name in self._names if self._has_scores(name)]
        known = ", ".join(repr(t.name) for t in self._graph.outputs)
        if asked is not None:
            if asked not in fitting:
                raise InvalidArgumentError(
                    f"--labels-output {asked!r}: signature {self._graph.signature!r} "
                    "has no such output of floats with two or more scores for each "
                    f"sample; it has {known}"
                )
            return asked
        if len(fitting) != 1:
            raise InvalidArgumentError(
                f"--labels: signature {self._graph.signature!r} has {len(fitting)} "
                "outputs of floats with two or more scores for each sample: name the "
                f"one that is meant with --labels-output; it has {known}"
            )
        return fitting[0]

    def _has_scores(self, name: str) -> bool:
        arrays = self._expected[name]
        rows = sum(len(each) if each.ndim else 0 for each in arrays)
        return rows == len(self._data) and all(
            each.ndim == 2 and each.shape[1] > 1 for each in arrays
        )

    def _right(self, answers: Answers) -> int | None:
        if self._labels is None or self._scores is None:
            return None
        scores = np.concatenate(answers[self._scores])
        is_number = ~np.isnan(scores).any(axis=1)  # Else there is no largest one.
        same = scores.argmax(axis=1) == self._labels
        return int(np.count_nonzero(same & is_number))


def noise_share(expected: Sequence[Array], found: Sequence[Array]) -> float:
    """What differs, squared and summed, over what was expected.

    As good as endless where other numbers are infinite or none.
    """
    noise = signal = 0.0
    for one, other in zip(expected, found, strict=True):
        wanted, got = np.asarray(one, np.float64), np.asarray(other, np.float64)
        both = np.isfinite(wanted) & np.isfinite(got)
        same = (wanted == got) | (np.isnan(wanted) & np.isnan(got))
        if wanted.shape != got.shape or not (both | same).all():
            return _MOST_NOISE
        noise += float(np.square(got[both] - wanted[both]).sum())
        signal += float(np.square(wanted[both]).sum())
    if not noise:
        return 0.0
    if not signal or not math.isfinite(noise):
        return _MOST_NOISE
    return min(noise / signal, _MOST_NOISE)


def decibels(noise: float) -> float | None:
    """Signal to noise; None if there is no noise."""
    return 10 * math.log10(1 / max(noise, 1 / _MOST_NOISE)) if noise else None
