# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Heads that TensorFlow runs: small SavedModels, with their tables and assets."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative.errors import CompileError
from tfnative.manifest import TensorFlowHead, TensorManifest
from tfnative_aot import tf_adapters
from tfnative_aot._reach import prune
from tfnative_aot._source import Arrays, SourceGraph, node_of

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

    from tfnative_aot.cut import Cut

SIGNATURE = "serving_default"
_INIT = "__saved_model_init_op"
_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
_TABLES = ("HashTable", "HashTableV2", "MutableHashTable", "MutableHashTableV2")


def describe_head(
    parts: Cut, shapes: Mapping[str, tuple[int, ...]], path: str
) -> TensorFlowHead:
    """What the manifest says of a head in the folder ``path``."""
    inputs = [
        TensorManifest(name, _dtype(parts.graph, name), shapes[name])
        for name, tensor in parts.graph.inputs.items()
        if node_of(tensor) in parts.head
    ]
    return TensorFlowHead(path, tuple(inputs), tuple(parts.tensors), parts.ops)


def write_head(
    parts: Cut, head: TensorFlowHead, model: MetaGraphDef, source: Path, folder: Path
) -> None:
    """Writes a head as a SavedModel.

    Args:
        parts: Where the graph was cut.
        head: What the manifest says of it.
        model: The graph that was saved, which initialises the tables.
        source: The folder of its SavedModel.
        folder: Where to write; is created.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    roots = [node_of(tensor) for tensor in parts.tensors.values()]
    head_graph = prune(parts.graph.graph_def, [*roots, *parts.targets])
    init = _init_op(model)
    graph_def = prune(model.graph_def, [init] if init else [])
    renamed = _merge(graph_def, head_graph)
    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = saved.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.meta_info_def.tensorflow_version = tf_adapters.tensorflow_version()
    signature = meta.signature_def[SIGNATURE]
    signature.method_name = "tensorflow/serving/predict"
    for spec in head.inputs:
        tensor = _renamed(parts.graph.inputs[spec.name], renamed)
        _describe(signature.inputs[spec.name], tensor, spec.dtype, spec.shape)
    specs = {spec.name: spec for spec in parts.signature.inputs}
    for index, (name, tensor) in enumerate(parts.tensors.items()):
        output = graph_def.node.add(name=f"tfnative_head/{index}", op="Identity")
        output.input.append(_renamed(tensor, renamed))
        output.input.extend(f"^{_renamed(t, renamed)}" for t in parts.targets)
        dtype = tf.dtypes.as_dtype(specs[name].dtype)
        output.attr["T"].type = dtype.as_datatype_enum
        shape = [-1 if s is None else s for s in specs[name].shape or ()]
        _describe(signature.outputs[name], f"{output.name}:0", dtype.name, shape)
    if init:
        meta.signature_def[_INIT].outputs[_INIT].name = init
        meta.signature_def[_INIT].outputs[_INIT].tensor_shape.unknown_rank = True
    folder.mkdir(parents=True)
    _copy_assets(model, {node.name for node in graph_def.node}, meta, source, folder)
    meta.graph_def.CopyFrom(graph_def)
    content = saved.SerializeToString(deterministic=True)
    (folder / "saved_model.pb").write_bytes(content)


class HeadRunner:
    """Runs a head that was written, in TensorFlow."""

    def __init__(self, folder: Path) -> None:
        """Raises CompileError: TensorFlow cannot load it."""
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph)
        try:
            with self._graph.as_default():
                adapter = tf_adapters.tf()
                signatures = adapter.load_signatures(
                    self._session, str(folder), ["serve"]
                )
        # Whatever TensorFlow raises where tables are not initialised as they were.
        except Exception as error:
            raise CompileError(f"TensorFlow cannot load the head: {error}") from error
        self._signature = signatures[SIGNATURE]

    def run(self, inputs: Mapping[str, Any]) -> Arrays:
        """What it gives for its inputs."""
        fetches = {name: info.name for name, info in self._signature.outputs.items()}
        feeds = {info.name: inputs[n] for n, info in self._signature.inputs.items()}
        found: Arrays = self._session.run(fetches, feeds)
        return found


def _dtype(graph: SourceGraph, name: str) -> str:
    node = next(
        n for n in graph.graph_def.node if n.name == node_of(graph.inputs[name])
    )
    return str(tf.dtypes.as_dtype(node.attr["dtype"].type).name)


def _init_op(model: MetaGraphDef) -> str:
    """Name of the node that initialises tables, or ""."""
    if _INIT in model.signature_def:
        return str(model.signature_def[_INIT].outputs[_INIT].name)
    for collection in _INIT_COLLECTIONS:
        if collection in model.collection_def:
            names = model.collection_def[collection].node_list.value
            if names:
                return str(names[0])
    return ""


def _merge(graph_def: GraphDef, head: GraphDef) -> dict[str, str]:
    """Adds the head's nodes; returns the new names of those that got some.

    Both come from one model, so that equal names of tables are the same table.
    """
    ops = {node.name: node.op for node in graph_def.node}
    shared = {n.name for n in head.node if n.op in _TABLES and ops.get(n.name) == n.op}
    renamed = {
        node.name: f"tfnative_head/nodes/{node.name}"
        for node in head.node
        if node.name in ops and node.name not in shared
    }
    for node in head.node:
        if node.name in shared:
            continue
        copy = graph_def.node.add()
        copy.CopyFrom(node)
        copy.name = renamed.get(node.name, node.name)
        del copy.input[:]
        copy.input.extend(_renamed(name, renamed) for name in node.input)
    known = {function.signature.name for function in graph_def.library.function}
    graph_def.library.function.extend(
        f for f in head.library.function if f.signature.name not in known
    )
    return renamed


def _renamed(tensor: str, renamed: Mapping[str, str]) -> str:
    caret = "^" if tensor.startswith("^") else ""
    node, colon, index = tensor.removeprefix("^").partition(":")
    return f"{caret}{renamed.get(node, node)}{colon}{index}"


def _describe(info: Any, tensor: str, dtype: str, shape: Any) -> None:
    info.name = tensor
    info.dtype = tf.dtypes.as_dtype(dtype).as_datatype_enum
    info.tensor_shape.SetInParent()
    for size in shape:
        info.tensor_shape.dim.add(size=size)


def _copy_assets(
    model: MetaGraphDef,
    nodes: set[str],
    meta: MetaGraphDef,
    source: Path,
    folder: Path,
) -> None:
    for asset in model.asset_file_def:
        if node_of(asset.tensor_info.name) not in nodes:
            continue
        meta.asset_file_def.add().CopyFrom(asset)
        target = folder / "assets" / asset.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / "assets" / asset.filename, target)
