# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Heads that TensorFlow runs: small SavedModels, with their tables and assets."""

from __future__ import annotations

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
from tfnative_aot.load.initializer import (
    TABLES,
    asset_files,
    copy_asset,
    init_op,
    meta_graph_of,
    note_init_op,
    renamed,
)
from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import Arrays, SourceGraph, node_of

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.split.cut import Cut

SIGNATURE = "serving_default"


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
    _write(parts, head, meta_graph_of(source), source.path, folder)
    return replace(head, digest=head_digest(folder))


def _write(
    parts: Cut, head: TensorFlowHead, model: MetaGraphDef, source: Path, folder: Path
) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    # Inputs that nothing reads are given, too.
    inputs = [node_of(parts.graph.inputs[spec.name]) for spec in head.inputs]
    head_graph = prune(parts.graph.graph_def, [*head_roots(parts), *inputs])
    init = init_op(model)
    graph_def = prune(model.graph_def, [init] if init else [])
    new_names = _merge(graph_def, head_graph)
    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = saved.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.meta_info_def.tensorflow_version = adapters.tensorflow_version()
    signature = meta.signature_def[SIGNATURE]
    signature.method_name = "tensorflow/serving/predict"
    for spec in head.inputs:
        tensor = renamed(parts.graph.inputs[spec.name], new_names)
        _describe(signature.inputs[spec.name], tensor, spec.dtype, spec.shape)
    specs = {spec.name: spec for spec in parts.signature.inputs}
    for index, (name, tensor) in enumerate(parts.tensors.items()):
        output = graph_def.node.add(name=f"tfnative_head/{index}", op="Identity")
        output.input.append(renamed(tensor, new_names))
        output.input.extend(f"^{renamed(t, new_names)}" for t in parts.targets)
        dtype = tf.dtypes.as_dtype(specs[name].dtype)
        output.attr["T"].type = dtype.as_datatype_enum
        shape = [-1 if s is None else s for s in specs[name].shape or ()]
        _describe(signature.outputs[name], f"{output.name}:0", dtype.name, shape)
    if init:
        note_init_op(meta, init)
    for asset in asset_files(model, {node.name for node in graph_def.node}):
        meta.asset_file_def.add().CopyFrom(asset)
        copy_asset(asset, source, folder)
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


def _merge(graph_def: GraphDef, head: GraphDef) -> dict[str, str]:
    """Adds the head's nodes; returns the new names of those that got some.

    Both come from one model, so that equal names of tables are the same table.
    """
    ops = {node.name: node.op for node in graph_def.node}
    shared = {n.name for n in head.node if n.op in TABLES and ops.get(n.name) == n.op}
    new_names = {
        node.name: f"tfnative_head/nodes/{node.name}"
        for node in head.node
        if node.name in ops and node.name not in shared
    }
    for node in head.node:
        if node.name in shared:
            continue
        copy = graph_def.node.add()
        copy.CopyFrom(node)
        copy.name = new_names.get(node.name, node.name)
        del copy.input[:]
        copy.input.extend(renamed(name, new_names) for name in node.input)
    known = {function.signature.name for function in graph_def.library.function}
    graph_def.library.function.extend(
        f for f in head.library.function if f.signature.name not in known
    )
    return new_names


def _describe(info: Any, tensor: str, dtype: str, shape: Any) -> None:
    info.name = tensor
    info.dtype = tf.dtypes.as_dtype(dtype).as_datatype_enum
    info.tensor_shape.SetInParent()
    for size in shape:
        info.tensor_shape.dim.add(size=size)
