# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the optimized graph as a SavedModel, or as a frozen GraphDef."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative._base.output_file import write_whole
from tfnative._base.output_places import check_no_device
from tfnative._base.regular_file import open_regular
from tfnative._optimize.results import OptimizeStep
from tfnative.errors import CompileError, InvalidArgumentError
from tfnative_aot import adapters
from tfnative_aot.load.initializer import (
    TABLES,
    meta_graph_of,
    note_init_op,
    renamed,
)
from tfnative_aot.load.source import TensorSpec, node_of
from tfnative_aot.optimize.defaults import with_defaults
from tfnative_aot.output import check_replaceable, replacing

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.optimize.graph import SignatureEnds, WholeGraph

MARK = "assets.extra/tfnative_optimize.json"
"""Says what was done to the model, and that ``optimize`` may replace it."""
_MARK_NODE = "tfnative_optimize"
_PREDICT = "tensorflow/serving/predict"
_MOST_BYTES = (1 << 31) - 1
_INPUTS = frozenset({"Placeholder", "PlaceholderWithDefault"})

Tensors = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Written:
    """How inputs and outputs are called in what was written, by signature."""

    inputs: Tensors
    outputs: Tensors


def check_target(output: Path, model: Path, format: str) -> None:  # noqa: A002
    """Refuses to replace what ``optimize`` has not written.

    Raises:
        InvalidArgumentError: There is something else, or it is the model itself.
    """
    here, source = output.resolve(), model.resolve()
    if here == source or source in here.parents or here in source.parents:
        raise InvalidArgumentError(
            f"{output} is where the model is; nothing was written. Write the optimized "
            "one to another place"
        )
    if format == "saved_model":
        check_replaceable(output, mark=MARK, what="a model that optimize wrote")
        return
    check_no_device(output)
    if output.exists() and not _is_ours(output):
        raise InvalidArgumentError(
            f"{output} exists and is not a GraphDef that optimize wrote; nothing was "
            "written"
        )


def write_saved_model(
    graph: WholeGraph,
    model: LoadedModel,
    output: Path,
    steps: Sequence[OptimizeStep],
) -> Written:
    """Writes a SavedModel with the same signatures, assets and tags.

    Raises:
        CompileError: It is larger than files may be.
        OSError: It cannot be written.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    content = with_defaults(graph.runnable(), graph, model)
    _check_size(content)
    original = meta_graph_of(model)
    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    meta = saved.meta_graphs.add()
    meta.meta_info_def.tags.extend(model.tags or ("serve",))
    meta.meta_info_def.tensorflow_version = adapters.tensorflow_version()
    meta.graph_def.CopyFrom(content)
    for ends in graph.ends:
        _add_signature(meta, original, ends)
    if graph.initializer.target:
        note_init_op(meta, graph.initializer.target)
    meta.asset_file_def.extend(graph.initializer.assets)
    with replacing(output) as folder:
        for name in ("assets", "assets.extra"):
            if model.kind == "saved_model" and (model.path / name).is_dir():
                shutil.copytree(model.path / name, folder / name)
        data = saved.SerializeToString(deterministic=True)
        (folder / "saved_model.pb").write_bytes(data)
        (folder / MARK).parent.mkdir(exist_ok=True)
        (folder / MARK).write_text(json.dumps(_marked(steps), indent=2) + "\n")
    return Written(
        {ends.signature.name: dict(ends.inputs) for ends in graph.ends},
        {ends.signature.name: dict(ends.outputs) for ends in graph.ends},
    )


def check_no_tables(graph: WholeGraph, model: LoadedModel) -> None:
    """Refuses a graph that a GraphDef cannot have all of.

    Raises:
        CompileError: It has tables, which something fills before it runs.
    """
    if graph.initializer.target and any(n.op in TABLES for n in graph.graph_def.node):
        raise CompileError(
            f"{model.path} has tables, which only a SavedModel can fill: write one "
            "with --format saved_model"
        )


def write_graph_def(
    graph: WholeGraph,
    model: LoadedModel,
    output: Path,
    steps: Sequence[OptimizeStep],
) -> Written:
    """Writes a frozen GraphDef, as text where the file's name ends in .pbtxt.

    Raises:
        CompileError: It has tables, which a GraphDef cannot fill, or is too large.
        OSError: It cannot be written.
    """
    check_no_tables(graph, model)
    graph = graph.with_graph(with_defaults(graph.graph_def, graph, model))
    content, written = graph.graph_def, _names(graph)
    if model.kind == "graph_def":
        content, written = _as_it_came(graph)
    marked = GraphDef()
    marked.CopyFrom(content)
    mark = marked.node.add(name=_MARK_NODE, op="NoOp")
    applied = [step.transform.encode() for step in steps if step.applied]
    mark.attr["_steps"].list.s.extend(applied)
    _check_size(marked)
    data = marked.SerializeToString(deterministic=True)
    if output.suffix == ".pbtxt":  # As such a file is read.
        data = text_format.MessageToString(marked).encode()
    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, lambda stream: stream.write(data))
    return written


def _names(graph: WholeGraph) -> Written:
    return Written(
        {ends.signature.name: dict(ends.inputs) for ends in graph.ends},
        {ends.signature.name: dict(ends.outputs) for ends in graph.ends},
    )


def _as_it_came(graph: WholeGraph) -> tuple[GraphDef, Written]:
    """The graph with the names that inputs and outputs had, where these are free."""
    (ends,) = graph.ends
    taken = {node.name for node in graph.graph_def.node}
    names: dict[str, str] = {}
    for specs, tensors in (
        (ends.signature.inputs, ends.inputs),
        (ends.signature.outputs, ends.outputs),
    ):
        for spec in specs:
            wanted = node_of(spec.tensor)
            if wanted not in taken and spec.tensor.endswith(":0"):
                names[node_of(tensors[spec.name])] = wanted
                taken.add(wanted)
    _take_names(graph, ends, names)
    changed = GraphDef()
    changed.CopyFrom(graph.graph_def)
    for node in changed.node:
        node.name = names.get(node.name, node.name)
        sources = [renamed(name, names) for name in node.input]
        del node.input[:]
        node.input.extend(sources)
    return changed, Written(
        {ends.signature.name: _renamed(ends.inputs, names)},
        {ends.signature.name: _renamed(ends.outputs, names)},
    )


def _take_names(graph: WholeGraph, ends: SignatureEnds, names: dict[str, str]) -> None:
    """Lets outputs have the names of the nodes that they only pass on."""
    nodes = {node.name: node for node in graph.graph_def.node}
    for spec in ends.signature.outputs:
        end = node_of(ends.outputs[spec.name])
        wanted = node_of(spec.tensor)
        is_free = end not in names and wanted not in names
        passes_on = [name.removesuffix(":0") for name in nodes[end].input] == [wanted]
        if is_free and passes_on and nodes[wanted].op not in _INPUTS:
            names[end], names[wanted] = wanted, f"{wanted}/computed"


def _renamed(tensors: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {name: renamed(tensor, names) for name, tensor in tensors.items()}


def _add_signature(
    meta: MetaGraphDef, original: MetaGraphDef, ends: SignatureEnds
) -> None:
    signature = meta.signature_def[ends.signature.name]
    signature.method_name = _PREDICT
    if ends.signature.name in original.signature_def:
        was = original.signature_def[ends.signature.name]
        signature.method_name = was.method_name or _PREDICT
        for name, value in was.defaults.items():
            if name in ends.inputs:
                signature.defaults[name].CopyFrom(value)
    for spec in ends.signature.inputs:
        _describe(signature.inputs[spec.name], spec, ends.inputs[spec.name])
    for spec in ends.signature.outputs:
        _describe(signature.outputs[spec.name], spec, ends.outputs[spec.name])


def _describe(info: Any, spec: TensorSpec, tensor: str) -> None:
    info.name = tensor
    info.dtype = tf.dtypes.as_dtype(spec.dtype).as_datatype_enum
    info.tensor_shape.unknown_rank = spec.shape is None
    for size in spec.shape or ():
        info.tensor_shape.dim.add(size=-1 if size is None else size)


def _marked(steps: Sequence[OptimizeStep]) -> object:
    listed = [
        {"transform": s.transform, "applied": s.applied, "reason": s.reason}
        for s in steps
    ]
    return {"written_by": "tfnative optimize", "steps": listed}


def _is_ours(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            content = file.read()
        if path.suffix == ".pbtxt":
            graph_def = text_format.Parse(content, GraphDef())
        else:
            graph_def = GraphDef.FromString(content)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError, OSError):
        return False
    return any(node.name == _MARK_NODE for node in graph_def.node)


def _check_size(graph_def: GraphDef) -> None:
    size = graph_def.ByteSize()
    if size > _MOST_BYTES:
        raise CompileError(
            f"the graph with its constants has {size} bytes, and TensorFlow reads no "
            f"graph of more than {_MOST_BYTES}"
        )
