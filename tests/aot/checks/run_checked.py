# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a graph with checks as XLA compiles it, and reads what the checks say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.models import ModelCase
from tfnative_aot.checks.insert import insert_checks
from tfnative_aot.checks.strip import drop_checks
from tfnative_aot.checks.summary import float_text
from tfnative_aot.freeze.check import check
from tfnative_aot.freeze.freeze import freeze
from tfnative_aot.freeze.graph import Check, FrozenGraph
from tfnative_aot.load.load_model import LoadedModel, load_model

Inputs = Mapping[str, Any]
_PLACE = re.compile(r"\{\{|\}\}|\{@\}|\{[ifb]\d\}")


def checked(model: LoadedModel) -> FrozenGraph:
    """A model's signature with its checks."""
    graph = freeze(model, "serving_default")
    check(graph)
    return drop_checks(insert_checks(graph))


def checked_case(case: ModelCase, path: Path) -> tuple[LoadedModel, FrozenGraph]:
    model = load_model(path)
    return model, checked(model)


def runner(graph: FrozenGraph) -> Callable[[Inputs], tuple[dict[str, Any], str]]:
    """What runs a graph: gives its outputs, and the first message or ""."""
    import tensorflow as tf

    imported = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(graph.graph_def, name=""), []
    )
    tensor = imported.graph.get_tensor_by_name
    fetched = [output.tensor for output in graph.outputs]
    fetched += [graph.check_tensor] if graph.check_tensor else []
    pruned = imported.prune(
        [tensor(each.tensor) for each in graph.inputs], [tensor(t) for t in fetched]
    )

    def call(*arguments: Any) -> Any:
        return pruned(*arguments)

    compiled = tf.function(call, jit_compile=True, autograph=False)

    def run(inputs: Inputs) -> tuple[dict[str, Any], str]:
        given = [tf.constant(inputs[each.name]) for each in graph.inputs]
        found = [np.asarray(value) for value in compiled(*given)]
        names = [output.name for output in graph.outputs]
        words = found[-1] if graph.check_tensor else np.array([], np.int64)
        rows = given[0].shape[0] if graph.has_batch else 1
        return dict(zip(names, found, strict=False)), message(graph.checks, words, rows)

    return run


def message(checks: tuple[Check, ...], words: Any, rows: int) -> str:
    """What the first check that failed says, or ""."""
    place = 0
    for each in checks:
        position = int(words[place])
        values = [int(word) for word in words[place + 1 :][: each.value_count]]
        place += 1 + each.value_count
        if position >= 0:
            return _filled(each, position, values, rows)
    assert place == len(words)
    return ""


def _filled(check: Check, position: int, values: list[int], rows: int) -> str:
    sizes = [size if size >= 0 else -size * rows for size in check.shape]
    coordinates = np.unravel_index(position, sizes) if sizes else ()

    def fill(match: re.Match[str]) -> str:
        text = match[0]
        if text in ("{{", "}}"):
            return text[0]
        if text == "{@}":
            return ",".join(str(int(number)) for number in coordinates)
        value = values[int(text[2])]
        if text[1] == "f":
            number = float(np.array(value, np.int64).view(np.float64))
            single = not np.isfinite(number) or float(np.float32(number)) == number
            return float_text(number, is_single=bool(single))
        return str(value) if text[1] == "i" else ("false", "true")[value]

    return _PLACE.sub(fill, check.message)


def tensorflow_says(model: LoadedModel, inputs: Inputs) -> str:
    """TensorFlow's message for inputs that it refuses, without the node; or ""."""
    import tensorflow as tf

    try:
        model.run("serving_default", dict(inputs))
    except tf.errors.OpError as error:
        text = error.message.partition("\n\t [[")[0]
        text = text.removeprefix("Graph execution error:\n\n")
        text = text.replace("node name: StatefulPartitionedCall/", "node name: ")
        return re.sub(r"^(\{\{function_node [^}]*\}\} ?)+", "", text).rstrip("\n")
    return ""
