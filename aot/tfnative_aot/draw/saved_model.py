# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of a SavedModel: TensorFlow's graph of a signature."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import tensorflow as tf

from tfnative._base.units import format_bytes
from tfnative._draw.families import family_of_op
from tfnative._draw.graph import Cluster, DrawnEdge, DrawnGraph, DrawnNode, Line
from tfnative.errors import NotFoundError
from tfnative_aot.draw.fold import (
    ShownGraph,
    ShownNode,
    fold,
    listed,
    output_shapes,
    shape_text,
)
from tfnative_aot.draw.inline import Ref, inline
from tfnative_aot.draw.scopes import folded_scopes, scopes_of
from tfnative_aot.load import saved_model

DEFAULT_SIGNATURE = "serving_default"
_MOST_LISTED = 5
_INSIDE = re.compile("(body|cond|then_branch|else_branch|branches)$")


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
    known = {k: v for k, v in graph.signature_def.items() if not k.startswith("__")}
    chosen = signature
    if chosen is None:
        chosen = DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in known else ""
        chosen = next(iter(known)) if len(known) == 1 else chosen
    if chosen not in known:
        names = ", ".join(map(repr, sorted(known))) or "none"
        asked = f"no signature {signature!r}" if signature is not None else "several"
        raise NotFoundError(f"{path} has {asked}; its signatures are {names}")
    found = known[chosen]
    outputs = {name: info.name for name, info in sorted(found.outputs.items())}
    flat = inline(graph.graph_def, outputs)
    ports = {info.name.split(":")[0]: name for name, info in found.inputs.items()}
    return _Drawing(fold(flat), ports, f"{path.resolve().name}: {chosen}", chosen).run()


class _Drawing:
    def __init__(
        self, graph: ShownGraph, inputs: dict[str, str], title: str, key: str
    ) -> None:
        self._graph = graph
        self._inputs = inputs
        self._title = title
        self._key = key
        names = [n.node.name for i, n in graph.nodes.items() if i not in inputs]
        self._folded = folded_scopes(names)
        self._boxes = {key: self._box(key, n) for key, n in graph.nodes.items()}

    def run(self) -> DrawnGraph:
        nodes = tuple(self._nodes())
        scopes = Counter(s for n in nodes for s in scopes_of(f"{n.scope}/x") if n.scope)
        framed = [scope for scope in sorted(scopes) if self._is_framed(scope, scopes)]
        return DrawnGraph(
            id=self._key,
            title=self._title,
            notes=tuple(self._notes()),
            nodes=tuple(_framed(node, framed) for node in nodes),
            edges=tuple(self._edges()),
            clusters=tuple(_cluster(scope, framed) for scope in framed),
        )

    def _box(self, key: str, shown: ShownNode) -> str:
        """Id of the box that a node is in: its own, or that of a folded scope."""
        if key in self._inputs:
            return key
        inside = (s for s in scopes_of(shown.node.name) if s in self._folded)
        return next((f"scope {scope}" for scope in inside), key)

    def _is_framed(self, scope: str, scopes: Counter[str]) -> bool:
        """Whether a scope is worth a frame: it has several boxes, not all in one."""
        below = [c for s, c in scopes.items() if s.rpartition("/")[0] == scope]
        return scopes[scope] > 1 and scopes[scope] not in below

    def _notes(self) -> Iterator[str]:
        yield (
            f"{len(self._graph.nodes)} nodes of TensorFlow; {self._graph.hidden} more "
            "are constants, variables, pass on what they read, or are not needed"
        )
        if self._folded:
            used = sorted(
                box.removeprefix("scope ")
                for box in set(self._boxes.values())
                if box.startswith("scope ")
            )
            yield f"folded: {listed(iter(used), _MOST_LISTED)}"

    def _nodes(self) -> Iterator[DrawnNode]:
        inside: defaultdict[str, list[ShownNode]] = defaultdict(list)
        for key, shown in self._graph.nodes.items():
            inside[self._boxes[key]].append(shown)
        for box, members in inside.items():
            if box in self._inputs:
                yield _input(box, self._inputs[box], members[0])
            elif box.startswith("scope ") and box not in self._graph.nodes:
                yield _scope(box, members)
            else:
                yield _node(box, members[0])
        for name in self._graph.outputs:
            yield DrawnNode(
                f"output {name}", name, "port", note="output", details={"output": name}
            )

    def _edges(self) -> Iterator[DrawnEdge]:
        seen: set[tuple[str, str, str]] = set()

        def arrow(ref: Ref, target: str) -> Iterator[DrawnEdge]:
            source = self._boxes[ref.node]
            shapes = output_shapes(self._graph.nodes[ref.node].node)
            label = shapes[ref.output] if ref.output < len(shapes) else ""
            if source != target and (source, target, label) not in seen:
                seen.add((source, target, label))
                yield DrawnEdge(source, target, label)

        for key, shown in self._graph.nodes.items():
            for ref in shown.inputs:
                yield from arrow(ref, self._boxes[key])
        for name, ref in self._graph.outputs.items():
            yield from arrow(ref, f"output {name}")


def _node(box: str, shown: ShownNode) -> DrawnNode:
    node = shown.node
    scope, _, name = node.name.rpartition("/")
    lines = [Line(name)]
    lines += [
        Line(weight.shape, format_bytes(weight.size))
        for weight in shown.weights
        if weight.size > 64
    ]
    functions = [
        f"{key}: {node.attributes[key].func.name}"
        for key in sorted(node.attributes)
        if _INSIDE.search(key) and node.attributes[key].HasField("func")
    ]
    return DrawnNode(
        id=box,
        title=node.op,
        family=family_of_op(node.op),
        lines=tuple(lines),
        scope=scope,
        details={
            "op": node.op,
            "name": node.name,
            "shape": ", ".join(filter(None, output_shapes(node))),
            "weights": ", ".join(f"{w.name} {w.shape}" for w in shown.weights),
            "bytes of weights": f"{sum(w.size for w in shown.weights):,}",
            "functions": ", ".join(functions),
        },
    )


def _scope(box: str, members: Sequence[ShownNode]) -> DrawnNode:
    path = box.removeprefix("scope ")
    scope, _, name = path.rpartition("/")
    ops = Counter(each.node.op for each in members).most_common()
    size = sum(weight.size for each in members for weight in each.weights)
    texts = [op if count == 1 else f"{count} {op}" for op, count in ops]
    return DrawnNode(
        id=box,
        title=name,
        family="folded",
        note=f"{len(members)} nodes",
        lines=(
            Line(listed(iter(texts), 3)),
            *([Line("weights", format_bytes(size))] if size else []),
        ),
        scope=scope,
        details={
            "op": f"{len(members)} nodes",
            "name": path,
            "weights": ", ".join(texts),
            "bytes of weights": f"{size:,}",
        },
    )


def _input(box: str, name: str, shown: ShownNode) -> DrawnNode:
    attributes = shown.node.attributes
    dims = [dim.size for dim in attributes["shape"].shape.dim]
    shape = shape_text(tf.dtypes.as_dtype(attributes["dtype"].type).name, dims)
    details = {"input": name, "shape": shape}
    return DrawnNode(
        box, name, "port", note="input", lines=(Line(shape),), details=details
    )


def _framed(node: DrawnNode, framed: Sequence[str]) -> DrawnNode:
    return replace(node, cluster=_innermost(f"{node.scope}/x", framed))


def _cluster(scope: str, framed: Sequence[str]) -> Cluster:
    outer = _innermost(scope, framed)
    return Cluster(scope, scope.removeprefix(f"{outer}/") if outer else scope, outer)


def _innermost(name: str, framed: Sequence[str]) -> str:
    return next((s for s in reversed(list(scopes_of(name))) if s in framed), "")
