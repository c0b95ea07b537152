# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A graph in Graphviz's language, DOT. Needs nothing that is not here."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tfnative._draw.families import FAMILIES, GREY, MARKS, heat_colour
from tfnative._draw.graph import Cluster, DrawnGraph, DrawnNode, Line

_FONT = "Helvetica,Arial,sans-serif"
_LONGEST = 46
_WIDEST = 90
_HEAT_CELLS = 7
# Graphviz puts names in the place of \\N and others, in HTML-like labels, too, and some
# of its versions cannot read a text there that ends with "]".
_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\\": "\\\\",
    "]": "&#93;",
}


def to_dot(graph: DrawnGraph) -> str:
    """The text of a .dot file.

    Whatever names are made of, quotes, backslashes, tags and newlines included, it
    comes out as text.
    """
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    frames = {each.id: f"cluster_{i}" for i, each in enumerate(graph.clusters)}
    lines = [
        f"digraph {quoted(graph.title)} {{",
        f'  graph [rankdir=TB, bgcolor=transparent, fontname="{_FONT}", fontsize=11,',
        f'    fontcolor="{GREY}", nodesep=0.3, ranksep=0.38, pad=0.2, labelloc=t,',
        f"    tooltip={quoted(graph.title)}, label=<{_heading(graph)}>]",
        f'  node [shape=plain, fontname="{_FONT}", fontsize=10, fontcolor="#1a202c"]',
        f'  edge [fontname="{_FONT}", fontsize=8, fontcolor="{GREY}", color="{GREY}",',
        "    arrowsize=0.55, penwidth=1.0]",
        *_contents("", graph, names, frames, "  "),
    ]
    for edge in graph.edges:
        style = "style=dashed, constraint=false, " if edge.dashed else ""
        lines.append(
            f"  {names[edge.source]} -> {names[edge.target]} "
            f"[{style}label={quoted(f' {edge.label} ' if edge.label else '')}]"
        )
    return "\n".join([*lines, "}", ""])


def quoted(text: str) -> str:
    """A text as a quoted string of DOT."""
    clean = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{clean.replace("&", "&amp;")}"'


def printable(text: str) -> str:
    """A text in which everything can be seen, and nothing ends a line or a file."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shortened(text: str, longest: int = _LONGEST) -> str:
    """A text without its middle, if it is long: names differ most at their ends."""
    if len(text) <= longest:
        return text
    begin = longest // 3
    return f"{text[:begin]}…{text[begin + 1 - longest :]}"


def _contents(
    cluster: str,
    graph: DrawnGraph,
    names: dict[str, str],
    frames: dict[str, str],
    indent: str,
) -> Iterator[str]:
    """What is in a frame, or in none."""
    inside: defaultdict[str, list[Cluster]] = defaultdict(list)
    for each in graph.clusters:
        inside[each.parent].append(each)
    for node in graph.nodes:
        if node.cluster == cluster:
            yield f"{indent}{names[node.id]} [{_attributes(node, names[node.id])}]"
    for each in inside[cluster]:
        label = quoted(shortened(each.label))
        yield f"{indent}subgraph {frames[each.id]} {{"
        yield f"{indent}  graph [label={label}, tooltip={quoted(each.label)}, "
        yield f'{indent}    style=rounded, color="{GREY}", labeljust=l, margin=10,'
        yield f"{indent}    fontsize=9]"
        yield from _contents(each.id, graph, names, frames, indent + "  ")
        yield f"{indent}}}"


def _attributes(node: DrawnNode, name: str) -> str:
    known = [f"{key}: {value}" for key, value in node.details.items() if value]
    tooltip = "&#10;".join(_hint(line) for line in known or [node.title])
    return f'id="{name}", tooltip="{tooltip}", label=<{_table(node)}>'


def _hint(text: str) -> str:
    """A text in a tooltip. Graphviz looks for backslashes there twice, or once."""
    return quoted(printable(text).replace("\\", "\N{SET MINUS}"))[1:-1]


def _table(node: DrawnNode) -> str:
    family = FAMILIES[node.family]
    fill = family.fill if node.heat is None else heat_colour(node.heat)
    stroke, width = MARKS[node.mark].stroke or family.stroke, 4 if node.mark else 1
    rows = [_row(Line(node.title, node.note), bold=True)]
    rows += [_row(line) for line in node.lines]
    return (
        f'<TABLE STYLE="ROUNDED" BORDER="{width}" CELLBORDER="0" CELLSPACING="0" '
        f'CELLPADDING="2" COLOR="{stroke}" BGCOLOR="{fill}">'
        f"{''.join(rows)}</TABLE>"
    )


def _row(line: Line, *, bold: bool = False) -> str:
    left, right = (_text(shortened(part)) for part in line)
    if bold:
        left = f"<B>{left}</B>"
    else:
        left = f'<FONT POINT-SIZE="8.5">{left}</FONT>'
    at = 'CELLPADDING="4" ' if bold else ""
    if not line.right:
        return f'<TR><TD {at}COLSPAN="2" ALIGN="LEFT">{left}</TD></TR>'
    right = f'<FONT POINT-SIZE="8.5">{right}</FONT>'
    return (
        f'<TR><TD {at}ALIGN="LEFT">{left}  </TD><TD {at}ALIGN="RIGHT">{right}</TD></TR>'
    )


def _text(text: str) -> str:
    """A text inside of an HTML-like label, which may not be empty."""
    shown = printable(text) or " "
    return "".join(_ENTITIES.get(character, character) for character in shown)


def _heading(graph: DrawnGraph) -> str:
    """The title, what is to be said, and the legend."""
    title = _text(shortened(graph.title, _WIDEST // 2))
    rows = [_wide(f'<FONT POINT-SIZE="15"><B>{title}</B></FONT>')]
    # What is wide would make the picture wide.
    notes = map(printable, graph.notes)
    lines = (line for note in notes for line in textwrap.wrap(note, _WIDEST))
    rows += [_wide(f'<FONT POINT-SIZE="9">{_text(line)}</FONT>') for line in lines]
    rows.append(_wide(_legend(graph)))
    return (
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">'
        f"{''.join(rows)}</TABLE>"
    )


def _wide(content: str) -> str:
    return f"<TR><TD>{content}</TD></TR>"


def _legend(graph: DrawnGraph) -> str:
    if graph.hottest:
        cells = [_cell("0", FAMILIES["other"].stroke, heat_colour(0))]
        steps: Sequence[float] = [i / _HEAT_CELLS for i in range(1, _HEAT_CELLS)]
        cells += [_cell("  ", heat_colour(step), heat_colour(step)) for step in steps]
        cells.append(_cell(graph.hottest, FAMILIES["other"].stroke, heat_colour(1)))
    else:
        used = {node.family for node in graph.nodes}
        cells = [
            _cell(family.label, family.stroke, family.fill)
            for key, family in FAMILIES.items()
            if key in used
        ]
        marks = {node.mark for node in graph.nodes}
        cells += [
            _cell(mark.label, mark.stroke, "#ffffff", width=3)
            for key, mark in MARKS.items()
            if key in marks and mark.label
        ]
    return (
        '<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="3" CELLPADDING="3"><TR>'
        f"{''.join(cells)}</TR></TABLE>"
    )


def _cell(text: str, stroke: str, fill: str, width: int = 1) -> str:
    return (
        f'<TD BORDER="{width}" COLOR="{stroke}" BGCOLOR="{fill}">'
        f'<FONT POINT-SIZE="8.5" COLOR="#1a202c">{_text(text)}</FONT></TD>'
    )
