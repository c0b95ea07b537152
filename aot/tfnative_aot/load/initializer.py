# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a SavedModel runs when it is loaded, and the files that it reads then."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative_aot.load import saved_model
from tfnative_aot.load.init_op import INIT_COLLECTIONS
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef, MetaGraphDef

    from tfnative_aot.load.load_model import LoadedModel

TABLES = ("HashTable", "HashTableV2")
"""Tables whose values the SavedModel's initializers give, and nothing changes."""
_ASSETS = "saved_model_assets"


def meta_graph_of(model: LoadedModel) -> MetaGraphDef:
    """The model's graph as it was saved; an empty one for a GraphDef."""
    from tensorflow.core.protobuf import meta_graph_pb2

    if model.kind != "saved_model":
        return meta_graph_pb2.MetaGraphDef()
    proto = saved_model.read(model.path)
    return saved_model.meta_graph(proto, model.tags, model.path)


def note_init_op(model: MetaGraphDef, name: str) -> None:
    """Lets loaders run this node.

    As TensorFlow 1 has it: of a graph without objects, TensorFlow 2's loader would
    make a signature of what TensorFlow 2 writes.
    """
    model.collection_def[INIT_COLLECTIONS[0]].node_list.value.append(name)


def asset_files(model: MetaGraphDef, nodes: Collection[str]) -> list[AssetFileDef]:
    """Files that some nodes read; TensorFlow 1 has a collection of them."""
    from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef

    found = list(model.asset_file_def)
    if not found and _ASSETS in model.collection_def:
        for packed in model.collection_def[_ASSETS].any_list.value:
            asset = AssetFileDef()
            if packed.Unpack(asset):
                found.append(asset)
    return [each for each in found if node_of(each.tensor_info.name) in nodes]


def copy_asset(asset: AssetFileDef, source: Path, folder: Path) -> None:
    """Copies a file from one SavedModel's assets to another's."""
    target = folder / "assets" / asset.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "assets" / asset.filename, target)


def renamed(tensor: str, names: Mapping[str, str]) -> str:
    """A tensor, or a control input, of a node that may have got another name."""
    caret = "^" if tensor.startswith("^") else ""
    node, colon, index = tensor.removeprefix("^").partition(":")
    return f"{caret}{names.get(node, node)}{colon}{index}"
