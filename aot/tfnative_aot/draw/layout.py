# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes boxes, arrows and frames of a graph: name scopes are frames, or boxes."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tfnative._base.units import format_bytes
from tfnative._draw.graph import Cluster, DrawnEdge, DrawnGraph, DrawnNode, Line
from tfnative_aot.draw.scopes import folded_scopes, scopes_of
from tfnative_aot.draw.shown import Ref, ShownGraph, ShownNode, listed

_MOST_LISTED = 3
_LEAST_SHOWN_BYTES = 65
"""Of a constant for a line of its own: most are axes, sizes and numbers."""


def lay_out(graph: ShownGraph) -> DrawnGraph:
    """Draws a graph. Of a large one, as many scopes are folded as have to be."""
    return _Layout(graph).run()


class _Layout:
    def __init__(self, graph: ShownGraph) -> None:
        self._graph = graph
        names = [n.name for key, n in graph.nodes.items() if key not in graph.inputs]
        self._folded = frozenset() if graph.groups else folded_scopes(names)
        self._boxes = {key: self._box(key, n) for key, n in graph.nodes.items()}

    def run(self) -> DrawnGraph:
        nodes = tuple(self._nodes())
        scopes = Counter(s for n in nodes for s in scopes_of(f"{n.scope}/x") if n.scope)
        framed = [scope for scope in sorted(scopes) if _is_framed(scope, scopes)]
        return DrawnGraph(
            id=self._graph.id,
            title=self._graph.title,
            notes=tuple(self._notes()),
            nodes=tuple(
                replace(node, cluster=_innermost(f"{node.scope}/x", framed))
                for node in nodes
            ),
            edges=tuple(self._edges()),
            clusters=tuple(_cluster(scope, framed) for scope in framed),
        )

    def _box(self, key: str, shown: ShownNode) -> str:
        """Id of the box that a node is in: its own, or that of a folded scope."""
        if key in self._graph.inputs:
            return key
        if key in self._graph.groups:
            return self._graph.groups[key]
        inside = (s for s in scopes_of(shown.name) if s in self._folded)
        return next((f"scope {scope}" for scope in inside), key)

    def _notes(self) -> Iterator[str]:
        if self._graph.note:
            yield self._graph.note
        if self._folded:
            boxes = set(self._boxes.values()) - self._graph.nodes.keys()
            names = sorted(box.removeprefix("scope ") for box in boxes)
            scopes = "1 scope is" if len(names) == 1 else f"{len(names)} scopes are"
            yield f"{scopes} folded into white boxes: {listed(names, _MOST_LISTED)}"

    def _nodes(self) -> Iterator[DrawnNode]:
        inside: defaultdict[str, list[ShownNode]] = defaultdict(list)
        for key, shown in self._graph.nodes.items():
            inside[self._boxes[key]].append(shown)
        for box, members in inside.items():
            if box in self._graph.inputs:
                yield _input(box, self._graph.inputs[box], members[0])
            elif box in self._graph.nodes:
                yield _node(box, members[0])
            elif self._graph.groups:
                yield _scope(box, _common_scope(members), members)
            else:
                yield _scope(box, box.removeprefix("scope "), members)
        for name in self._graph.outputs:
            details = {"output": name}
            yield DrawnNode(_output(name), name, "port", note="output", details=details)

    def _edges(self) -> Iterator[DrawnEdge]:
        seen: set[tuple[str, str, str]] = set()

        def arrow(ref: Ref, target: str) -> Iterator[DrawnEdge]:
            source = self._boxes[ref.node]
            shapes = self._graph.nodes[ref.node].shapes
            label = shapes[ref.output] if ref.output < len(shapes) else ""
            if source != target and (source, target, label) not in seen:
                seen.add((source, target, label))
                yield DrawnEdge(source, target, label)

        for key, shown in self._graph.nodes.items():
            for ref in shown.inputs:
                yield from arrow(ref, self._boxes[key])
        for name, ref in self._graph.outputs.items():
            yield from arrow(ref, _output(name))


def _output(name: str) -> str:
    return f"output {name}"


def _node(box: str, shown: ShownNode) -> DrawnNode:
    scope, _, name = shown.name.rpartition("/")
    weights = [
        Line(weight.shape, format_bytes(weight.size))
        for weight in shown.weights
        if weight.size >= _LEAST_SHOWN_BYTES
    ]
    return DrawnNode(
        id=box,
        title=shown.op,
        family=shown.family,
        note=shown.note,
        lines=(Line(name), *shown.lines, *weights),
        scope=scope,
        mark=shown.mark,
        details={
            "op": shown.op,
            "name": shown.name,
            "shape": ", ".join(filter(None, shown.shapes)),
            "weights": ", ".join(f"{w.name} {w.shape}" for w in shown.weights),
            "bytes of weights": f"{sum(w.size for w in shown.weights):,}",
            **shown.details,
        },
    )


def _common_scope(members: Sequence[ShownNode]) -> str:
    """The innermost scope that all of them are in, or "…"."""
    common = os.path.commonpath([f"/{each.name}" for each in members]).lstrip("/")
    return common or "…"


def _scope(box: str, path: str, members: Sequence[ShownNode]) -> DrawnNode:
    scope, _, name = path.rpartition("/")
    ops = Counter(each.op for each in members).most_common()
    size = sum(weight.size for each in members for weight in each.weights)
    texts = [op if count == 1 else f"{count} {op}" for op, count in ops]
    marked = Counter(each.mark for each in members if each.mark)
    return DrawnNode(
        id=box,
        title=name,
        family="folded",
        note=f"{len(members)} nodes",
        lines=(
            Line(listed(texts, 3)),
            *([Line("weights", format_bytes(size))] if size else []),
            *(Line(f"{count} {mark}") for mark, count in marked.items()),
        ),
        scope=scope,
        mark="" if not marked else marked.most_common(1)[0][0],
        details={
            "op": ", ".join(texts),
            "name": path,
            "bytes of weights": f"{size:,}",
        },
    )


def _input(box: str, name: str, shown: ShownNode) -> DrawnNode:
    shape = "".join(shown.shapes[:1])
    lines = (Line(shape),) if shape else ()
    details = {"input": name, "shape": shape}
    return DrawnNode(box, name, "port", note="input", lines=lines, details=details)


def _is_framed(scope: str, scopes: Counter[str]) -> bool:
    """Whether a scope is worth a frame: it has several boxes, not all in one scope."""
    below = [count for s, count in scopes.items() if s.rpartition("/")[0] == scope]
    return scopes[scope] > 1 and scopes[scope] not in below


def _cluster(scope: str, framed: Sequence[str]) -> Cluster:
    outer = _innermost(scope, framed)
    return Cluster(scope, scope.removeprefix(f"{outer}/") if outer else scope, outer)


def _innermost(name: str, framed: Sequence[str]) -> str:
    return next((s for s in reversed(list(scopes_of(name))) if s in framed), "")
