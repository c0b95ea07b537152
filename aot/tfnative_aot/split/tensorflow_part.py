# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Heads and tails that TensorFlow runs: small SavedModels, with tables and assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative._backends.native.saved_part import part_digest
from tfnative._backends.native.tensorflow_tail import read_names
from tfnative._backends.tensorflow.model import TensorflowModel
from tfnative.errors import CompileError, Error
from tfnative.manifest import OpenTensor, TensorFlowHead, TensorFlowTail, TensorManifest
from tfnative_aot import adapters
from tfnative_aot.load.init_op import init_op
from tfnative_aot.load.initializer import (
    TABLES,
    asset_files,
    copy_asset,
    meta_graph_of,
    note_init_op,
    renamed,
)
from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import Arrays, SourceGraph, node_of

if TYPE_CHECKING:
    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.split.cut import Cut
    from tfnative_aot.split.cut_tail import TailCut

SIGNATURE = "serving_default"

_OpenShape = Sequence[int | None] | None


@dataclass(frozen=True)
class _Tensor:
    """An input or output of a part: its tensor in the graph, type and shape."""

    tensor: str
    dtype: str
    shape: _OpenShape


@dataclass(frozen=True)
class _Part:
    """What is to be written."""

    graph_def: GraphDef
    inputs: Mapping[str, _Tensor]
    outputs: Mapping[str, _Tensor]
    targets: Sequence[str]


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
    specs = {spec.name: spec for spec in parts.signature.inputs}
    # Inputs that nothing reads are given, too.
    fed = [node_of(parts.graph.inputs[spec.name]) for spec in inputs]
    part = _Part(
        prune(parts.graph.graph_def, [*head_roots(parts), *fed]),
        {s.name: _Tensor(parts.graph.inputs[s.name], s.dtype, s.shape) for s in inputs},
        {
            name: _Tensor(tensor, specs[name].dtype, specs[name].shape)
            for name, tensor in parts.tensors.items()
        },
        parts.targets,
    )
    digest = _write(part, source, artifact / path)
    return TensorFlowHead(path, inputs, tuple(parts.tensors), parts.ops, digest)


def write_tail(
    parts: TailCut, source: LoadedModel, artifact: Path, path: str
) -> TensorFlowTail:
    """Writes a tail as a SavedModel; returns what the manifest says of it.

    Args:
        parts: Where the graph was cut.
        source: The whole model, which initialises the tables.
        artifact: The artifact's folder.
        path: The tail's folder in it; is created.
    """
    reads = read_names(parts.reads)
    inputs = {
        reads.get(s.name, s.name): _Tensor(s.tensor, s.dtype, s.shape)
        for s in parts.signature.inputs
    }
    outputs = {
        s.name: _Tensor(parts.graph.outputs[s.name], s.dtype, s.shape)
        for s in parts.signature.outputs
    }
    targets = [n for n in parts.graph.roots if n not in _nodes_of(outputs)]
    part = _Part(parts.graph.graph_def, inputs, outputs, targets)
    digest = _write(part, source, artifact / path)
    return TensorFlowTail(
        path=path,
        inputs=tuple(
            TensorManifest(s.name, s.dtype, _sizes(s.shape) or ()) for s in parts.inputs
        ),
        reads=parts.reads,
        outputs=tuple(
            OpenTensor(s.name, s.dtype, _sizes(s.shape))
            for s in parts.signature.outputs
        ),
        passes=parts.passes,
        ops=parts.ops,
        digest=digest,
    )


def _write(part: _Part, source: LoadedModel, folder: Path) -> str:
    """Writes a part into a new folder; returns the digest of that."""
    from tensorflow.core.protobuf import saved_model_pb2

    folder.mkdir(parents=True)
    model = meta_graph_of(source)
    init = init_op(model)
    graph_def = prune(model.graph_def, [init] if init else [])
    new_names = _merge(graph_def, part.graph_def)
    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = saved.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.meta_info_def.tensorflow_version = adapters.tensorflow_version()
    signature = meta.signature_def[SIGNATURE]
    signature.method_name = "tensorflow/serving/predict"
    for name, given in part.inputs.items():
        _describe(signature.inputs[name], given, renamed(given.tensor, new_names))
    for index, (name, given) in enumerate(part.outputs.items()):
        output = graph_def.node.add(name=f"tfnative_part/{index}", op="Identity")
        output.input.append(renamed(given.tensor, new_names))
        output.input.extend(f"^{renamed(t, new_names)}" for t in part.targets)
        output.attr["T"].type = tf.dtypes.as_dtype(given.dtype).as_datatype_enum
        _describe(signature.outputs[name], given, f"{output.name}:0")
    if init:
        note_init_op(meta, init)
    for asset in asset_files(model, {node.name for node in graph_def.node}):
        meta.asset_file_def.add().CopyFrom(asset)
        copy_asset(asset, source.path, folder)
    meta.graph_def.CopyFrom(graph_def)
    content = saved.SerializeToString(deterministic=True)
    (folder / "saved_model.pb").write_bytes(content)
    return part_digest(folder)


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


class TailRunner:
    """Runs a tail that was written, as the artifact will.

    Attributes:
        tail: What the manifest says of it.
    """

    def __init__(self, tail: TensorFlowTail, artifact: Path) -> None:
        """Raises CompileError: TensorFlow cannot load it."""
        self.tail = tail
        try:
            self._model = TensorflowModel(artifact / tail.path, device="cpu")
        except Error as error:
            raise CompileError(f"TensorFlow cannot load the tail: {error}") from error

    def run(self, inputs: Mapping[str, Any], between: Mapping[str, Any]) -> Arrays:
        """All outputs of the whole, for inputs of it and what the front gives."""
        given = {spec.name: inputs[spec.name] for spec in self.tail.inputs}
        given |= {own: between[n] for n, own in read_names(self.tail.reads).items()}
        passed = {name: between[name] for name in self.tail.passes}
        return {**passed, **self._model.predict(given)}


def head_roots(parts: Cut) -> list[str]:
    """Names of the nodes that a head runs for their results or effects."""
    return [*(node_of(tensor) for tensor in parts.tensors.values()), *parts.targets]


def _nodes_of(tensors: Mapping[str, _Tensor]) -> set[str]:
    return {node_of(each.tensor) for each in tensors.values()}


def _sizes(shape: _OpenShape) -> tuple[int, ...] | None:
    return None if shape is None else tuple(-1 if s is None else s for s in shape)


def _dtype(graph: SourceGraph, name: str) -> str:
    node = next(
        n for n in graph.graph_def.node if n.name == node_of(graph.inputs[name])
    )
    return str(tf.dtypes.as_dtype(node.attr["dtype"].type).name)


def _merge(graph_def: GraphDef, part: GraphDef) -> dict[str, str]:
    """Adds a part's nodes; returns the new names of those that got some.

    Both come from one model, so that equal names of tables are the same table.
    """
    ops = {node.name: node.op for node in graph_def.node}
    shared = {n.name for n in part.node if n.op in TABLES and ops.get(n.name) == n.op}
    new_names = {
        node.name: f"tfnative_part/nodes/{node.name}"
        for node in part.node
        if node.name in ops and node.name not in shared
    }
    for node in part.node:
        if node.name in shared:
            continue
        copy = graph_def.node.add()
        copy.CopyFrom(node)
        copy.name = new_names.get(node.name, node.name)
        del copy.input[:]
        copy.input.extend(renamed(name, new_names) for name in node.input)
    known = {function.signature.name for function in graph_def.library.function}
    graph_def.library.function.extend(
        f for f in part.library.function if f.signature.name not in known
    )
    return new_names


def _describe(info: Any, given: _Tensor, tensor: str) -> None:
    info.name = tensor
    info.dtype = tf.dtypes.as_dtype(given.dtype).as_datatype_enum
    info.tensor_shape.unknown_rank = given.shape is None
    info.tensor_shape.SetInParent()
    for size in _sizes(given.shape) or ():
        info.tensor_shape.dim.add(size=size)
