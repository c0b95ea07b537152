# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How large a model is as files, as it was given and as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tfnative._optimize.results import ModelSize
from tfnative_aot.load import graph_def_file, saved_model


def size_of(model: Path, tags: Sequence[str]) -> ModelSize:
    """Counts the nodes and the bytes of a model's files.

    Args:
        model: A SavedModel's folder, of which all files count, or a GraphDef's file.
        tags: Which of a SavedModel's graphs.

    Raises:
        OSError: A file cannot be read.
    """
    if model.is_dir():
        proto = saved_model.read(model)
        graph_def = saved_model.meta_graph(proto, tags, model).graph_def
        files = [file for file in model.rglob("*") if file.is_file()]
    else:
        graph_def, files = graph_def_file.read(model), [model]
    bodies = (function.node_def for function in graph_def.library.function)
    return ModelSize(
        nodes=len(graph_def.node) + sum(map(len, bodies)),
        bytes=sum(file.stat().st_size for file in files),
    )
