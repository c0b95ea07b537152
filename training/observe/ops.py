# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Steps through the ops of a small model, each with what it reads and gives."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError
from training.observe.private import frozen_graph


@dataclass(frozen=True)
class Op:
    """An op that has run.

    Attributes:
        name: In the graph.
        type: Of the op.
        inputs: Names of the tensors that it read.
        outputs: What it gave.
    """

    name: str
    type: str
    inputs: tuple[str, ...]
    outputs: tuple[NDArray[Any], ...]


def step_through(model: Any, features: Mapping[str, NDArray[Any]]) -> Iterator[Op]:
    """Runs a model op by op, eagerly.

    Args:
        model: A ``keras.Model``.
        features: Some rows of each input.

    Raises:
        TrainingError: The model has loops.

    Yields:
        Each op after it has run, in the graph's order; inputs and weights first.
    """
    import tensorflow as tf

    known: dict[str, Any] = {}
    graph = frozen_graph(model, features)
    given = {f"{name}": tf.constant(array) for name, array in features.items()}
    for op in graph.get_operations():
        if op.name in given:
            results = [given[op.name]]
        elif op.type == "NoOp":
            continue
        else:
            _check_runs_alone(op)
            results = _run(op, [known[each.name] for each in op.inputs])
        known |= {t.name: r for t, r in zip(op.outputs, results, strict=True)}
        yield Op(
            op.name,
            op.type,
            tuple(each.name for each in op.inputs),
            tuple(np.asarray(result) for result in results),
        )


def _check_runs_alone(op: Any) -> None:
    """Refuses what has no result that can be shown, or runs a function."""
    if (
        op.type == "Placeholder"  # What a loop does not use, where it is lowered.
        or any(attribute.type == "func" for attribute in op.op_def.attr)
        or any(each.dtype.name in ("variant", "resource") for each in op.outputs)
    ):
        raise TrainingError(
            f"the op {op.name} ({op.type}) belongs to a loop, which is not stepped "
            "through: choose a model without recurrent layers"
        )


def _run(op: Any, inputs: list[Any]) -> list[Any]:
    """Runs an op of a graph by ``tf.raw_ops``, with the op's own attributes."""
    import tensorflow as tf

    if op.type == "Const":
        return [tf.constant(tf.make_ndarray(op.get_attr("value")))]
    function = getattr(tf.raw_ops, op.type)
    taken = inspect.signature(function).parameters
    arguments: dict[str, Any] = {}
    rest = iter(inputs)
    # Some have other names in Python, in the same order.
    attributes = {attribute.name for attribute in op.op_def.attr} | {"name"}
    names = [name for name in taken if name not in attributes]
    for argument, name in zip(op.op_def.input_arg, names, strict=True):
        count = op.get_attr(argument.number_attr) if argument.number_attr else None
        if argument.type_list_attr:
            count = len(op.get_attr(argument.type_list_attr))
        arguments[name] = (
            next(rest) if count is None else [next(rest) for _ in range(count)]
        )
    for attribute in op.op_def.attr:
        if attribute.name in taken:
            value = op.get_attr(attribute.name)
            arguments[attribute.name] = (
                value.decode() if isinstance(value, bytes) else value
            )
    results = function(**arguments)
    return list(results) if isinstance(results, (list, tuple)) else [results]
