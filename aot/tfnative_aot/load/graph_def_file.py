# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Frozen GraphDef files: graphs that have no signature of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative.errors import InvalidArgumentError
from tfnative_aot.load.source import Signature, TensorSpec, node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

SIGNATURE_NAME = "serving_default"

_VARIABLE_OPS = frozenset({"VariableV2", "Variable", "VarHandleOp"})


def read(path: Path) -> GraphDef:
    """Parses a .pb or .pbtxt file.

    Raises:
        InvalidArgumentError: It is no frozen GraphDef.
    """
    from google.protobuf import message, text_format
    from tensorflow.core.framework import graph_pb2

    if path.name in ("saved_model.pb", "saved_model.pbtxt"):
        raise InvalidArgumentError(
            f"{path} is part of a SavedModel: give the folder, {path.parent}"
        )
    graph_def = graph_pb2.GraphDef()
    try:
        if path.suffix == ".pbtxt":
            text_format.Parse(path.read_text(), graph_def)
        else:
            graph_def.ParseFromString(path.read_bytes())
    except (message.DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(
            f"{path} is not a readable GraphDef: {error}. Expected a SavedModel's "
            "folder, or a frozen graph as .pb (binary) or .pbtxt (text)"
        ) from error
    if not graph_def.node:
        raise InvalidArgumentError(f"{path} is a GraphDef without any node")
    variables = [node.name for node in graph_def.node if node.op in _VARIABLE_OPS]
    if variables:
        raise InvalidArgumentError(
            f"{path} is a GraphDef with variables, whose values are elsewhere: "
            f"{', '.join(variables[:5])}. Give a frozen graph or a SavedModel"
        )
    return graph_def


def signature(
    graph_def: GraphDef,
    inputs: Mapping[str, str] | Sequence[str] | None,
    outputs: Mapping[str, str] | Sequence[str] | None,
    path: Path,
) -> Signature:
    """Makes a signature of the tensors that the user named.

    Raises:
        InvalidArgumentError: Inputs or outputs are missing or not in the graph.
    """
    if not inputs or not outputs:
        raise InvalidArgumentError(
            f"{path} is a GraphDef, which has no signatures: name its inputs and "
            f"outputs. {_candidates(graph_def)}"
        )
    graph = tf.Graph()
    with graph.as_default():
        tf.graph_util.import_graph_def(graph_def, name="")
    return Signature(
        SIGNATURE_NAME,
        _specs(graph, graph_def, inputs, "input", path),
        _specs(graph, graph_def, outputs, "output", path),
    )


def _candidates(graph_def: GraphDef) -> str:
    read = {node_of(name) for node in graph_def.node for name in node.input}
    starts = [node.name for node in graph_def.node if node.op == "Placeholder"]
    ends = [node.name for node in graph_def.node if node.name not in read]
    ends = [name for name in ends if name not in starts]
    return (
        f"Its placeholders are {', '.join(starts[:10]) or '(none)'}; nodes that "
        f"nothing reads are {', '.join(ends[:10]) or '(none)'}"
    )


def _specs(
    graph: Any,
    graph_def: GraphDef,
    names: Mapping[str, str] | Sequence[str],
    what: str,
    path: Path,
) -> tuple[TensorSpec, ...]:
    if not isinstance(names, Mapping):
        names = {tensor.removesuffix(":0"): tensor for tensor in names}
    specs = []
    for name, tensor in sorted(names.items()):
        full = tensor if ":" in tensor else f"{tensor}:0"
        try:
            found = graph.get_tensor_by_name(full)
        except (KeyError, ValueError) as error:
            mixed = (
                f"Either all {what}s are given names, as in {full}, or none is. "
                if "=" in full
                else ""
            )
            raise InvalidArgumentError(
                f"{path} has no tensor {full!r} for the {what} {name!r}. {mixed}"
                + _candidates(graph_def)
            ) from error
        shape = None if found.shape.rank is None else tuple(found.shape.as_list())
        specs.append(TensorSpec(name, full, found.dtype.name, shape))
    return tuple(specs)
