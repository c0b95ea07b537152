# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Heads that only parse tf.Example messages, which needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfnative.manifest import ExamplesHead, FeatureManifest
from tfnative_aot.load.source import BATCH, Arrays, SourceGraph, node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.split.cut import Cut

_PARSERS = ("ParseExample", "ParseExampleV2")
_THROUGH = ("Identity", "Placeholder")


def example_head(
    cut: Cut, shapes: Mapping[str, tuple[int, ...]]
) -> ExamplesHead | None:
    """What a head parses, if it is one ParseExample op for features of fixed shape."""
    nodes = {node.name: node for node in cut.graph.graph_def.node}
    inside = [nodes[name] for name in cut.head]
    parsers = [node for node in inside if node.op in _PARSERS]
    others = [n for n in inside if n.op not in (*_PARSERS, *_THROUGH)]
    if len(parsers) != 1 or others or cut.targets:
        return None
    (parser,) = parsers
    messages = _origin(parser.input[0], nodes)
    names = [n for n, tensor in cut.graph.inputs.items() if node_of(tensor) == messages]
    if len(names) != 1 or shapes[names[0]] != (BATCH,):
        return None
    features = _features(parser, nodes, cut)
    return ExamplesHead(names[0], features) if features else None


def feature_names(graph: SourceGraph) -> dict[str, str]:
    """The features that parsers in a graph give, by tensor."""
    nodes = {node.name: node for node in graph.graph_def.node}
    found = {}
    for node in nodes.values():
        if node.op in _PARSERS:
            count = len(node.attr["Tdense"].list.type)
            features = _dense_inputs(node, nodes, count) or []
            for index, (name, _) in enumerate(features):
                found[f"{node.name}:{index}"] = name
    return found


def encode(
    head: ExamplesHead, rows: int, features: Mapping[str, npt.NDArray[Any]]
) -> Arrays:
    """Messages for arrays of the features, by the names of what they feed.

    Features that feed nothing get zeros.
    """
    messages = np.empty(rows, object)
    for row in range(rows):
        example = tf.train.Example()
        for feature in head.features:
            values = example.features.feature[feature.name]
            count = int(np.prod(feature.shape))
            if feature.feeds is not None:
                given = features[feature.feeds][row].ravel().tolist()
            elif feature.default is not None:
                continue
            else:
                given = [b"" if feature.dtype == "string" else 0] * count
            if feature.dtype == "float32":
                values.float_list.value.extend(given)
            elif feature.dtype == "int64":
                values.int64_list.value.extend(given)
            else:
                values.bytes_list.value.extend(given)
        messages[row] = example.SerializeToString(deterministic=True)
    fed = {feature.feeds for feature in head.features}
    direct = {name: array for name, array in features.items() if name not in fed}
    return {head.input: messages, **direct}


def parse(head: ExamplesHead, messages: npt.NDArray[Any]) -> Arrays:
    """What a head gives for messages, (rows,), by the names of what it feeds.

    Raises what TensorFlow raises where it cannot parse one.
    """
    specs = {}
    for feature in head.features:
        default = feature.default
        if default is not None:
            default = np.reshape(np.array(default), feature.shape).tolist()
        specs[feature.name] = tf.io.FixedLenFeature(
            feature.shape, tf.dtypes.as_dtype(feature.dtype), default
        )
    found = tf.io.parse_example(messages, specs)
    return {
        feature.feeds: np.asarray(found[feature.name])
        for feature in head.features
        if feature.feeds is not None
    }


def _origin(name: str, nodes: Mapping[str, NodeDef]) -> str:
    node = nodes[node_of(name)]
    while node.op == "Identity":
        node = nodes[node_of(node.input[0])]
    return str(node.name)


def _features(
    parser: NodeDef, nodes: Mapping[str, NodeDef], cut: Cut
) -> tuple[FeatureManifest, ...]:
    """Its features; none if it has others than those of fixed shape."""
    types = [tf.dtypes.as_dtype(t).name for t in parser.attr["Tdense"].list.type]
    shapes = [
        None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
        for shape in parser.attr["dense_shapes"].list.shape
    ]
    inputs = _dense_inputs(parser, nodes, len(types))
    if not inputs or any(s is None or min(s, default=0) < 0 for s in shapes):
        return ()
    by_tensor = {tensor: name for name, tensor in cut.tensors.items()}
    found = []
    for index, (name, default) in enumerate(inputs):
        shape = shapes[index] or ()
        values = default.ravel().tolist()
        if values and len(values) != int(np.prod(shape)):
            return ()  # TensorFlow refuses every call.
        feeds = by_tensor.get(f"{parser.name}:{index}")
        found.append(
            FeatureManifest(name, types[index], shape, tuple(values) or None, feeds)
        )
    return tuple(found)


def _dense_inputs(
    parser: NodeDef, nodes: Mapping[str, NodeDef], count: int
) -> list[tuple[str, npt.NDArray[Any]]] | None:
    """Names and defaults of the dense features, if there are no others."""

    def constants(names: Sequence[str]) -> list[npt.NDArray[Any]] | None:
        found = [nodes[node_of(name)] for name in names]
        if any(node.op != "Const" for node in found):
            return None
        return [tf.make_ndarray(node.attr["value"].tensor) for node in found]

    sources = [name for name in parser.input if not name.startswith("^")]
    if parser.op == "ParseExample":
        if parser.attr["Nsparse"].i:
            return None
        keys = constants(sources[2 : 2 + count])
        defaults = constants(sources[2 + count :])
    else:
        if parser.attr["num_sparse"].i or parser.attr["ragged_value_types"].list.type:
            return None
        listed = constants([sources[3]])
        keys = None if listed is None else list(listed[0])
        defaults = constants(sources[5:])
    if keys is None or defaults is None or not len(keys) == len(defaults) == count:
        return None
    try:
        names = [_text(key) for key in keys]
    except UnicodeDecodeError:
        return None
    return list(zip(names, defaults, strict=True))


def _text(key: Any) -> str:
    value = np.asarray(key).item()
    return value.decode() if isinstance(value, bytes) else str(value)
