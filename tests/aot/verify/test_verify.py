# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A refusal has the numbers of the rule that decided, and says which it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfnative_aot.freeze.graph import FrozenGraph, GraphTensor
from tfnative_aot.machines.cpu_levels import CpuLevel
from tfnative_aot.verify.probes import Probe
from tfnative_aot.verify.samples import Sample
from tfnative_aot.verify.verify import InexactError, verify

LEVEL = CpuLevel("level", "tag", 0, "cpu", "", (), "")
OUTPUT = GraphTensor("y", "y:0", "float32", (2,))


class _Answers:
    def __init__(self, *numbers: float) -> None:
        self._numbers = np.array(numbers, np.float32)

    def run(self, *_: object) -> dict[str, Any]:
        return {"y": self._numbers}


def complaint(
    got: tuple[float, ...],
    expected: tuple[float, ...],
    exact: tuple[float, ...] | None = None,
) -> str:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    graph = FrozenGraph("s", GraphDef(), (), (OUTPUT,), has_batch=False)
    sample = Sample({}, {"y": np.array(expected, np.float32)})
    true = {} if exact is None else {"y": np.array(exact)}
    probe = Probe(0, sample, true, {"y": "an op has no float64"})
    with pytest.raises(InexactError) as raised:
        verify(_Answers(*got), graph, [probe], [LEVEL], None)
    (found,) = raised.value.complaints
    return found


def test_without_float64_the_tolerance_and_the_reason_are_said() -> None:
    found = complaint((1e-7, 0.0), (3e-7, 0.0))
    assert "off by 2e-07, which is 0.667 of the largest value; 1e-05" in found
    assert found.endswith("an op has no float64")


def test_with_float64_its_distances_are_said() -> None:
    found = complaint((1.1, 0.0), (1.0, 0.0), (1.0, 0.0))
    assert "the answer in float64, the largest, is 0.1 of" in found


@pytest.mark.parametrize("got", [(np.nan, 0.0), (np.inf, 0.0), (1.0,)])
def test_infinite_errors_say_what_they_are(got: tuple[float, ...]) -> None:
    assert "NaN and infinities" in complaint(got, (1.0, 0.0))
