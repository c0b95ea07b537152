# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs to draw, small and odd ones."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tfnative._draw.families import FAMILIES
from tfnative._draw.graph import Cluster, DrawnEdge, DrawnGraph, DrawnNode, Line
from tfnative._manifest.memory import LiveValue, MemoryRecord
from tfnative._manifest.program import Array, Flow, Node, ProgramRecord, StepRecord

ODD = st.text(
    st.one_of(
        st.sampled_from("<>&\"'\\\n\r\t\0{}|[];#%/ "),
        st.characters(),  # Surrogates included: names of files may have them.
    ),
    max_size=30,
) | st.sampled_from(
    ["", "&lt;", "&amp;amp;", "</TABLE>", "<B>", "\\N", '\\"', "-->", "]]>", "{{ 1 }}"]
)


@st.composite
def graphs(draw: st.DrawFn) -> DrawnGraph:
    """A graph whose texts are anything at all."""
    count = draw(st.integers(1, 3))
    nodes = [
        DrawnNode(
            id=f"{draw(ODD)}{number}",
            title=draw(ODD),
            family=draw(st.sampled_from(sorted(FAMILIES))),
            lines=tuple(
                Line(draw(ODD), draw(ODD)) for _ in range(draw(st.integers(0, 2)))
            ),
            note=draw(ODD),
            cluster=draw(st.sampled_from(["", "frame", "inner"])),
            scope=draw(ODD),
            details={draw(ODD): draw(ODD), "bytes": "1,234"},
            heat=draw(st.none() | st.floats(0, 1)),
        )
        for number in range(count)
    ]
    return DrawnGraph(
        id=draw(ODD),
        title=draw(ODD),
        notes=(draw(ODD),),
        nodes=tuple(nodes),
        edges=(DrawnEdge(nodes[0].id, nodes[-1].id, draw(ODD), draw(st.booleans())),),
        clusters=(Cluster("frame", draw(ODD)), Cluster("inner", draw(ODD), "frame")),
        hottest=draw(ODD),
    )


def loop_program() -> ProgramRecord:
    """A product, then a loop whose body adds to it, and a kernel after it."""
    row = "f32[1,4]"
    before = StepRecord(
        kind="dot",
        hlo="dot_add_fusion",
        node=Node("BiasAdd", "model/dense/BiasAdd"),
        parts=(
            Node("MatMul", "model/dense/MatMul"),
            Node("BiasAdd", "model/dense/BiasAdd"),
        ),
        parent=-1,
        block=0,
        flops=32,
        reads=(Flow((-1,), row, 16),),
        weights=(Array("f32[1,4,16]", 256), Array("f32[4]", 16)),
        writes=(Array(row, 16),),
    )
    loop = StepRecord(
        *("while", "while.1", Node("While", "model/while"), (), -1, 0, 0),
        reads=(Flow((2,), "", 1),),
        weights=(),
        writes=(),
    )
    condition = StepRecord(
        *("kernel", "compare", Node("Less", "while/Less"), (), 1, 0, 0),
        reads=(Flow((0,), row, 16, (3,)),),
        weights=(),
        writes=(Array("pred[]", 1),),
    )
    body = StepRecord(
        *("kernel", "add", Node("AddV2", "while/add"), (), 1, 1, 0),
        reads=(Flow((0,), row, 16, (3,)),),
        weights=(),
        writes=(Array(row, 16),),
    )
    after = StepRecord(
        *("kernel", "copy.1", None, (), -1, 0, 0),
        reads=(Flow((0, 3), row, 16),),
        weights=(),
        writes=(Array(row, 16),),
    )
    return ProgramRecord(
        signature="serving_default",
        batch_size=1,
        inputs=(("x", Array(row, 16)),),
        outputs=(("y", Flow((4,), row, 16)),),
        steps=(before, loop, condition, body, after),
    )


def with_memory(program: ProgramRecord) -> ProgramRecord:
    """``loop_program`` with a workspace: two values during the loop, one before it."""
    values = (
        LiveValue(0, 64, 0, 4, 0, "f32[1,4]"),
        LiveValue(64, 64, 1, 3, 2, "pred[]"),
        LiveValue(64, 128, 4, 5, 4, "f32[1,4]"),
    )
    return replace(program, memory=MemoryRecord(192, "depth first", 256, 320, values))
