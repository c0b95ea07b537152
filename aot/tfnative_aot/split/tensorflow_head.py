# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Heads that TensorFlow runs: small SavedModels, with their tables and assets."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative._backends.native.tensorflow_head import head_digest
from tfnative._backends.tensorflow.model import TensorflowModel
from tfnative.errors import CompileError, Error
from tfnative.manifest import TensorFlowHead, TensorManifest
from tfnative_aot import adapters
from tfnative_aot.load import saved_model
from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import Arrays, SourceGraph, node_of

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef, MetaGraphDef

    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.split.cut import Cut

SIGNATURE = "serving_default"
_INIT = "__saved_model_init_op"
_ASSETS = "saved_model_assets"
_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
TABLES = ("HashTable", "HashTableV2")
"""Tables whose values the SavedModel's initializers give, and nothing changes."""


def write_head(
    parts: Cut,
    shapes: Mapping[str, tuple[int, ...]],
    source: LoadedModel,
    artifact: Path,
    path: str,
) -> TensorFlowHead:
    """Writes a head as a SavedModel; returns what the manifest says of it.

    Args:
        parts: Where the graph was cut.
        shapes: Of the inputs of the whole.
        source: The whole model, which initialises the tables.
        artifact: The artifact's folder.
        path: The head's folder in it; is created.
    """
    inputs = tuple(
        TensorManifest(name, _dtype(parts.graph, name), shapes[name])
        for name, tensor in parts.graph.inputs.items()
        if node_of(tensor) in parts.head
    )
    head = TensorFlowHead(path, inputs, tuple(parts.tensors), parts.ops, "")
    folder = artifact / path
    folder.mkdir(parents=True)
    _write(parts, head, _meta_graph(source), source.path, folder)
    return replace(head, digest=head_digest(folder))


def _meta_graph(model: LoadedModel) -> MetaGraphDef:
    from tensorflow.core.protobuf import meta_graph_pb2

    if model.kind != "saved_model":
        return meta_graph_pb2.MetaGraphDef()
    proto = saved_model.read(model.path)
    return saved_model.meta_graph(proto, model.tags, model.path)


def _write(
    parts: Cut, head: TensorFlowHead, model: MetaGraphDef, source: Path, folder: Path
) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    # Inputs that nothing reads are given, too.
    inputs = [node_of(parts.graph.inputs[spec.name]) for spec in head.inputs]
    head_graph = prune(parts.graph.graph_def, [*head_roots(parts), *inputs])
    init = _init_op(model)
    graph_def = prune(model.graph_def, [init] if init else [])
    renamed = _merge(graph_def, head_graph)
    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = saved.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.meta_info_def.tensorflow_version = adapters.tensorflow_version()
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
    _copy_assets(model, {node.name for node in graph_def.node}, meta, source, folder)
    meta.graph_def.CopyFrom(graph_def)
    content = saved.SerializeToString(deterministic=True)
    (folder / "saved_model.pb").write_bytes(content)


class HeadRunner:
    """Runs a head that was written, as the artifact will."""

    def __init__(self, head: TensorFlowHead, artifact: Path) -> None:
        """Raises CompileError: TensorFlow cannot load it."""
        self._names = [spec.name for spec in head.inputs]
        try:
            self._model = TensorflowModel(artifact / head.path, device="cpu")
        except Error as error:
            raise CompileError(f"TensorFlow cannot load the head: {error}") from error

    def run(self, inputs: Mapping[str, Any]) -> Arrays:
        """What it gives for these inputs, some of which it may not take."""
        found = self._model.predict({name: inputs[name] for name in self._names})
        return dict(found)


def head_roots(parts: Cut) -> list[str]:
    """Names of the nodes that a head runs for their results or effects."""
    return [*(node_of(tensor) for tensor in parts.tensors.values()), *parts.targets]


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
    shared = {n.name for n in head.node if n.op in TABLES and ops.get(n.name) == n.op}
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


def _assets(model: MetaGraphDef) -> list[AssetFileDef]:
    """Files that tables are read from; TensorFlow 1 has a collection of them."""
    from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef

    if model.asset_file_def or _ASSETS not in model.collection_def:
        return list(model.asset_file_def)
    found = []
    for packed in model.collection_def[_ASSETS].any_list.value:
        asset = AssetFileDef()
        if packed.Unpack(asset):
            found.append(asset)
    return found


def _copy_assets(
    model: MetaGraphDef,
    nodes: set[str],
    meta: MetaGraphDef,
    source: Path,
    folder: Path,
) -> None:
    for asset in _assets(model):
        if node_of(asset.tensor_info.name) not in nodes:
            continue
        meta.asset_file_def.add().CopyFrom(asset)
        target = folder / "assets" / asset.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / "assets" / asset.filename, target)
