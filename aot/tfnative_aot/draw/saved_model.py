# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of a SavedModel: TensorFlow's graph of a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfnative._draw.graph import DrawnGraph
from tfnative.errors import NotFoundError
from tfnative_aot.draw.fold import fold
from tfnative_aot.draw.inline import inline
from tfnative_aot.draw.layout import lay_out
from tfnative_aot.draw.shown import ShownGraph
from tfnative_aot.load import saved_model
from tfnative_aot.load.source import node_of

DEFAULT_SIGNATURE = "serving_default"


def draw_saved_model(
    path: Path, signature: str | None, tags: Sequence[str]
) -> DrawnGraph:
    """Draws a signature of a SavedModel, of any age; nothing of it is loaded or run.

    Args:
        path: Its folder.
        signature: Default: "serving_default", or the only one.
        tags: Which graph of the SavedModel.

    Raises:
        InvalidArgumentError: It is no SavedModel, or has no such graph.
        NotFoundError: There is no such signature, or there are several.
    """
    graph = saved_model.meta_graph(saved_model.read(path), tags, path)
    name = _chosen(graph.signature_def, signature, path)
    found = graph.signature_def[name]
    tensors = {key: info.name for key, info in sorted(found.outputs.items())}
    nodes, outputs = fold(inline(graph.graph_def, tensors))
    inputs = {node_of(info.name): key for key, info in found.inputs.items()}
    return lay_out(
        ShownGraph(
            id=name,
            title=f"{path.resolve().name}: {name}",
            note=f"{len(nodes)} nodes of TensorFlow; not drawn: constants, variables, "
            "and what passes on what it reads",
            nodes=nodes,
            inputs={key: port for key, port in inputs.items() if key in nodes},
            outputs=outputs,
        )
    )


def _chosen(definitions: Mapping[str, Any], name: str | None, path: Path) -> str:
    known = sorted(key for key in definitions if not key.startswith("__"))
    if name is None and len(known) == 1:
        return known[0]
    chosen = DEFAULT_SIGNATURE if name is None else name
    if chosen not in known:
        what = "there are several" if name is None else f"there is no {name!r}"
        listed = ", ".join(map(repr, known)) or "none"
        raise NotFoundError(f"which signature? {what}; {path} has {listed}")
    return chosen
