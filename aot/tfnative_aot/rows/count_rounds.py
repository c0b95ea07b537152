# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loops in TensorFlow's graph whose conditions ask for the number of the round."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import tensorflow as tf

_PASS_ON = frozenset({"Identity", "Snapshot"})


def counters_of(body: Any, condition: Any) -> frozenset[str]:
    """Arguments of a loop's condition that are 1 more in each round, by name.

    Args:
        body: The graph of the loop's body.
        condition: That of its condition.
    """
    found = set()
    for given, result, argument in zip(
        body.inputs, body.outputs, condition.inputs, strict=True
    ):
        op = _source(result).op
        if op.type not in ("Add", "AddV2"):
            continue
        left, right = op.inputs
        step = tf.get_static_value(right)
        if _source(left) is given and step is not None and step.ndim == 0 and step == 1:
            found.add(argument.name)
    return frozenset(found)


def is_round_left(op: Any, counters: Collection[str]) -> bool:
    """Whether an op of a condition asks if a counter is less, or joins such answers."""
    if op.type == "LogicalAnd":
        return True
    return op.type == "Less" and _source(op.inputs[0]).name in counters


def _source(tensor: Any) -> Any:
    while tensor.op.type in _PASS_ON:
        tensor = tensor.op.inputs[0]
    return tensor
