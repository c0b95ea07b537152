# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What stands in a SavedModel's files, read without loading the model."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from tfnative.errors import InvalidArgumentError, NotFoundError, UnimplementedError
from tfnative_aot.load.source import Signature, TensorSpec

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, TensorInfo
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

_VARIABLE_OPS = frozenset({"VarHandleOp", "VariableV2", "Variable"})
_PSEUDO_SIGNATURES = frozenset({"__saved_model_init_op", "__saved_model_train_op"})


def read(folder: Path) -> SavedModel:
    """Parses saved_model.pb or saved_model.pbtxt.

    Raises:
        InvalidArgumentError: The folder is no SavedModel, or the file is broken.
    """
    from google.protobuf import message, text_format
    from tensorflow.core.protobuf import saved_model_pb2

    binary, text = folder / "saved_model.pb", folder / "saved_model.pbtxt"
    path = binary if binary.is_file() else text
    if not path.is_file():
        raise InvalidArgumentError(_not_a_saved_model(folder))
    proto = saved_model_pb2.SavedModel()
    try:
        if path == binary:
            proto.ParseFromString(path.read_bytes())
        else:
            text_format.Parse(path.read_text(), proto)
    except (message.DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(
            f"{path} is not a readable SavedModel: {error}. The file is truncated, "
            "damaged, or something else under this name"
        ) from error
    if not proto.meta_graphs:
        raise InvalidArgumentError(f"{path} is a SavedModel without any graph")
    return proto


def _not_a_saved_model(folder: Path) -> str:
    message = f"{folder} is not a SavedModel: it has no saved_model.pb"
    nested = sorted(path.parent for path in folder.glob("*/saved_model.pb"))
    if nested:
        return f"{message}. Did you mean {nested[0]}?"
    names = sorted(path.name for path in folder.iterdir())
    found = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"{message}; found {found or 'an empty folder'}"


def meta_graph(proto: SavedModel, tags: Sequence[str], folder: Path) -> MetaGraphDef:
    """The graph that was saved under exactly these tags.

    Raises:
        InvalidArgumentError: There is none; the message lists those present.
    """
    for candidate in proto.meta_graphs:
        if set(candidate.meta_info_def.tags) == set(tags):
            return candidate
    present = "; ".join(
        ",".join(sorted(graph.meta_info_def.tags)) or "(no tags)"
        for graph in proto.meta_graphs
    )
    raise InvalidArgumentError(
        f"{folder} has no graph with the tags {','.join(tags) or '(no tags)'}. "
        f"Tags present: {present}. Choose one with --tags"
    )


def check_variables(
    graph: MetaGraphDef, folder: Path, assigned: Collection[str]
) -> None:
    """Raises NotFoundError if the graph has variables and their files are missing.

    Args:
        graph: The graph.
        folder: The SavedModel's.
        assigned: Variables that get their values otherwise.
    """
    index = folder / "variables" / "variables.index"
    has_variables = any(
        node.op in _VARIABLE_OPS and node.name not in assigned
        for node in graph.graph_def.node
    )
    if has_variables and not index.is_file():
        raise NotFoundError(
            f"{folder} has variables, but the file with their values, {index}, is "
            "missing. Copy the whole SavedModel folder, not saved_model.pb alone"
        )


def signatures(graph: MetaGraphDef, folder: Path) -> dict[str, Signature]:
    """The signatures of a graph, by name.

    Raises:
        InvalidArgumentError: There is none.
        UnimplementedError: One takes or gives sparse or ragged tensors.
    """
    found = {
        name: Signature(
            name,
            tuple(
                _spec(folder, name, *item) for item in sorted(definition.inputs.items())
            ),
            tuple(
                _spec(folder, name, *item)
                for item in sorted(definition.outputs.items())
            ),
        )
        for name, definition in sorted(graph.signature_def.items())
        if name not in _PSEUDO_SIGNATURES
    }
    if not found:
        raise InvalidArgumentError(
            f"{folder} has no signatures, so that there is nothing to compile. Save "
            "it with tf.saved_model.save(model, path, signatures=...) or, with "
            "Keras 3, model.export(path)"
        )
    return found


def _spec(folder: Path, signature: str, name: str, info: TensorInfo) -> TensorSpec:
    if info.WhichOneof("encoding") != "name":
        raise UnimplementedError(
            f"{folder}: signature {signature!r}: {name!r} is a "
            f"{info.WhichOneof('encoding') or 'nameless'} tensor. Only dense tensors "
            "can be compiled: give the parts of a sparse or ragged tensor one by one"
        )
    shape = info.tensor_shape
    return TensorSpec(
        name=name,
        tensor=info.name,
        dtype=tf.dtypes.as_dtype(info.dtype).name,
        shape=None
        if shape.unknown_rank
        else tuple(None if dim.size < 0 else dim.size for dim in shape.dim),
    )


def assets(folder: Path) -> tuple[Path, ...]:
    """The files below assets/, sorted."""
    return tuple(sorted(p for p in (folder / "assets").rglob("*") if p.is_file()))


def digest(path: Path) -> str:
    """SHA-256 over a file, or over a folder's file names and contents in order."""
    sha = hashlib.sha256()
    if path.is_file():
        sha.update(path.read_bytes())
        return f"sha256:{sha.hexdigest()}"
    files = sorted(
        (file.relative_to(path).as_posix(), file)
        for file in path.rglob("*")
        if file.is_file()
    )
    for name, file in files:
        sha.update(f"{name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                sha.update(block)
    return f"sha256:{sha.hexdigest()}"
