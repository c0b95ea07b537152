# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Random tf.Example messages for the graphs that parse them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfnative_aot.load.source import SourceGraph, node_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.verify.samples import Domain

_MOST_VALUES = 4
_COPIES = ("Identity", "IdentityN", "Reshape")


class Feature(NamedTuple):
    """What a parser reads: so many values of a type, or None for any number."""

    dtype: str
    size: int | None


Features = dict[str, Feature]


def parsers(graph: SourceGraph) -> dict[str, Features]:
    """What is parsed from the messages of each input that has some."""
    nodes = {node.name: node for node in graph.graph_def.node}
    names = {node_of(tensor): name for name, tensor in graph.inputs.items()}
    found: dict[str, Features] = {}
    for node in nodes.values():
        if node.op in ("ParseExample", "ParseExampleV2"):
            source = node_of(node.input[0])
            while nodes[source].op in _COPIES:
                source = node_of(nodes[source].input[0])
            if source in names:
                found.setdefault(names[source], {}).update(_features(node, nodes))
    return found


def random_message(
    features: Features, words: Sequence[bytes], domain: Domain, rng: np.random.Generator
) -> bytes:
    """A serialised tf.Example with such features."""
    example = tf.train.Example()
    for name, feature in features.items():
        values = example.features.feature[name]
        size = feature.size
        if size is None:
            size = int(rng.integers(0, _MOST_VALUES + 1))
        if feature.dtype == "float32":
            drawn = rng.integers(round(128 * domain.float_low), 129, size) / 128
            values.float_list.value.extend(drawn.tolist())
        elif feature.dtype == "int64":
            values.int64_list.value.extend(
                rng.integers(0, domain.int_high, size).tolist()
            )
        else:
            chosen = rng.integers(0, len(words), size).tolist()
            values.bytes_list.value.extend(words[index] for index in chosen)
    content: bytes = example.SerializeToString(deterministic=True)
    return content


def _features(
    parser: NodeDef, nodes: Mapping[str, NodeDef]
) -> Iterator[tuple[str, Feature]]:
    inputs = [name for name in parser.input if not name.startswith("^")]
    attributes = parser.attr
    dense = list(attributes["Tdense"].list.type)
    sparse = list(attributes["sparse_types"].list.type)
    ragged = list(attributes["ragged_value_types"].list.type)
    if parser.op == "ParseExample":
        keys = [_strings(nodes, name) for name in inputs[2:]]
        sparse_keys = [key for each in keys[: len(sparse)] for key in each]
        dense_keys = [k for each in keys[len(sparse) :][: len(dense)] for k in each]
        ragged_keys: list[str] = []
    else:
        sparse_keys, dense_keys, ragged_keys = (
            _strings(nodes, name) for name in inputs[2:5]
        )
    shapes = attributes["dense_shapes"].list.shape
    for key, dtype, shape in zip(dense_keys, dense, shapes, strict=False):
        sizes = [dim.size for dim in shape.dim]
        # Of a feature of variable length, twice what it is made of.
        count = int(np.prod([2 if size < 0 else size for size in sizes]))
        yield key, Feature(_name(dtype), count)
    open_ones = (*zip(sparse_keys, sparse, strict=False),)
    for key, dtype in (*open_ones, *zip(ragged_keys, ragged, strict=False)):
        yield key, Feature(_name(dtype), None)


def _strings(nodes: Mapping[str, NodeDef], name: str) -> list[str]:
    node = nodes[node_of(name)]
    if node.op != "Const" or node.attr["dtype"].type != tf.string.as_datatype_enum:
        return []
    values: Any = tf.make_ndarray(node.attr["value"].tensor)
    return [bytes(value).decode(errors="replace") for value in values.ravel()]


def _name(dtype: int) -> str:
    return str(tf.dtypes.as_dtype(dtype).name)
