# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of a compiled program."""

from __future__ import annotations

from hypothesis import given, strategies as st

from tests.python.draw.drawn import loop_program
from tfnative._draw.compiled import Measured, common_scope, draw_program
from tfnative._draw.families import FAMILIES, family_of_op, heat_colour

SCOPES = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join)


def test_a_step_is_a_box_that_lists_what_was_fused():
    graph = draw_program(loop_program(), "net")
    box = {node.id: node for node in graph.nodes}["step0"]
    assert box.title == "MatMul"
    assert any("fused: MatMul · BiasAdd" in line.left for line in box.lines)
    assert box.family == "product"
    assert (
        box.details["fused"] == "MatMul model/dense/MatMul, BiasAdd model/dense/BiasAdd"
    )
    assert box.details["bytes read"] == "288"
    assert box.details["of them weights"] == "272"
    assert box.details["bytes written"] == "16"
    assert not graph.hottest


def test_arrows_say_what_flows_and_where_it_comes_from():
    graph = draw_program(loop_program(), "net")
    arrows = {(e.source, e.target, e.dashed): e.label for e in graph.edges}
    assert arrows == {
        ("in0", "step0", False): "f32[1,4]",
        ("step2", "step1", False): "1 bytes",
        ("step0", "step2", False): "f32[1,4]",
        ("step3", "step2", True): "f32[1,4]",
        ("step0", "step3", False): "f32[1,4]",
        ("step3", "step3", True): "f32[1,4]",
        ("step0", "step4", False): "f32[1,4]",
        ("step3", "step4", False): "f32[1,4]",
        ("step4", "out0", False): "f32[1,4]",
    }


def test_what_is_nested_is_in_frames():
    graph = draw_program(loop_program(), "net")
    frames = {frame.id: (frame.label, frame.parent) for frame in graph.clusters}
    assert frames == {
        "loop1": ("loop", ""),
        "block1_0": ("condition", "loop1"),
        "block1_1": ("body", "loop1"),
    }
    where = {node.id: node.cluster for node in graph.nodes}
    assert where["step1"] == "loop1"
    assert (where["step2"], where["step3"]) == ("block1_0", "block1_1")
    assert where["step4"] == where["in0"] == ""


def test_times_are_colours_and_the_slowest_is_hottest():
    times = {0: Measured(30.0, 0.75), 3: Measured(10.0, 0.25)}
    graph = draw_program(loop_program(), "net", times)
    heat = {node.id: node.heat for node in graph.nodes}
    assert heat["step0"] == 1.0
    assert heat["step3"] == 1 / 3
    assert heat["step4"] == 0.0  # It did not run.
    assert heat["in0"] is None
    assert graph.hottest == "75% of 40.0 us"
    assert draw_program(loop_program(), "net", {}).hottest == "0% of 0.0 us"


@given(st.lists(SCOPES, max_size=5))
def test_the_common_scope_is_of_all_names_and_the_longest(names: list[str]):
    prefix = common_scope(names)
    assert all(name.startswith(prefix) for name in names)
    longer = {
        "".join(f"{p}/" for p in [*prefix.split("/")[:-1], each]) for each in "ab"
    }
    if len(names) > 1:
        assert not any(all(n.startswith(more) for n in names) for more in longer)


@given(st.floats(0, 1), st.floats(0, 1))
def test_hotter_is_redder(one: float, other: float):
    cold, hot = sorted((one, other))
    green = [int(heat_colour(heat)[3:5], 16) for heat in (cold, hot)]
    assert green[0] >= green[1]


def test_ops_and_opcodes_have_the_family_that_one_expects():
    expected = {
        "convolution": "Conv2D DepthwiseConv2dNative Conv2DBackpropInput convolution",
        "product": "MatMul BatchMatMulV2 Einsum dot",
        "reduction": "MaxPool AvgPool3D Sum Softmax reduce reduce-window ArgMax",
        "elementwise": "Relu AddV2 BiasAdd Mul Exp add multiply reduce-precision",
        "move": "Reshape ConcatV2 StridedSlice GatherV2 PadV2 copy dynamic-slice",
        "control": "While StatelessIf while conditional PartitionedCall",
        "sort": "TopKV2 sort",
        "other": "LookupTableFindV2 DecodeJpeg ParseExampleV2 RandomUniform",
        "port": "Placeholder parameter",
    }
    wrong = {
        op: family_of_op(op)
        for family, ops in expected.items()
        for op in ops.split()
        if family_of_op(op) != family
    }
    assert not wrong
    assert expected.keys() <= FAMILIES.keys()
