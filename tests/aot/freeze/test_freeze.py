# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A frozen graph computes what the model does, and is what tfcompile wants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models import ZOO, ModelCase
from tfnative.errors import CompileError, InvalidArgumentError
from tfnative_aot.freeze.carriers import carrier
from tfnative_aot.freeze.freeze import freeze
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.load.load_model import LoadedModel, load_model
from tfnative_aot.load.source import BATCH

Export = Callable[[ModelCase], Path]

FROZEN = [case for case in ZOO.values() if "small" in case.tags]
# TensorFlow's kernel for the CPU has no dilations; XLA's has.
RUN_IN_TENSORFLOW = [case for case in FROZEN if case.name != "depthwise_dilated"]
NORMALIZED = [
    "conv1d",
    "conv1d_dilated",
    "conv1d_transposed",
    "conv2d",
    "conv2d_strided",
    "conv2d_dilated",
    "conv2d_grouped",
    "conv2d_even",
    "conv3d",
    "depthwise",
    "depthwise_dilated",
    "separable",
    "conv2d_transposed",
    "digits_cnn",
    "keras2_cnn",
]


def load(case: ModelCase, path: Path) -> LoadedModel:
    return load_model(path, inputs=case.graph_inputs, outputs=case.graph_outputs)


def frozen(case: ModelCase, export: Export) -> FrozenGraph:
    return freeze(load(case, export(case)), case.signature, shapes=case.shapes)


def run(graph: FrozenGraph, inputs: dict[str, Any]) -> dict[str, Any]:
    """Runs a frozen graph in TensorFlow as it is."""
    import tensorflow as tf

    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(graph.graph_def, name="")
        with tf.compat.v1.Session(graph=imported, config=config) as session:
            outputs = session.run(
                {t.name: t.tensor for t in graph.outputs},
                {t.tensor: inputs[t.name].view(carrier(t.dtype)) for t in graph.inputs},
            )
    return {t.name: outputs[t.name].view(numpy_dtype(t.dtype)) for t in graph.outputs}


def ops(graph: FrozenGraph) -> set[str]:
    library = graph.graph_def.library.function
    inside = [node.op for function in library for node in function.node_def]
    return {node.op for node in graph.graph_def.node} | set(inside)


@pytest.mark.parametrize("case", RUN_IN_TENSORFLOW, ids=str)
def test_a_frozen_graph_computes_what_the_model_does(
    case: ModelCase, export: Export
) -> None:
    model = load(case, export(case))
    graph = freeze(model, case.signature, shapes=case.shapes)
    assert graph.has_batch == case.has_batch
    for rows in (1, 3) if case.has_batch else (1,):
        inputs = case.inputs(rows, np.random.default_rng(rows))
        expected = model.run(case.signature, inputs)
        got = run(graph, inputs)
        assert got.keys() == expected.keys()
        for tensor in graph.outputs:
            name, value = tensor.name, expected[tensor.name]
            assert got[name].dtype == value.dtype
            wide = np.complex128 if value.dtype.kind == "c" else np.float64
            value, mine = value.astype(wide), got[name].astype(wide)
            largest = float(np.abs(value).max(initial=0))
            np.testing.assert_allclose(mine, value, rtol=0, atol=case.rtol * largest)
            if tensor.shape is not None:
                sizes = tuple(rows if s == BATCH else s for s in tensor.shape)
                assert value.shape == sizes


@pytest.mark.parametrize("case", FROZEN, ids=str)
def test_a_frozen_graph_is_what_tfcompile_wants(
    case: ModelCase, export: Export
) -> None:
    graph = frozen(case, export)
    nodes = {node.name: node for node in graph.graph_def.node}
    inputs = {tensor.tensor.removesuffix(":0") for tensor in graph.inputs}
    assert {nodes[name].op for name in inputs} == {"Placeholder"}
    assert not {"VarHandleOp", "ReadVariableOp", "VariableV2"} & ops(graph)
    assert not {"PartitionedCall", "StatefulPartitionedCall"} & {
        node.op for node in nodes.values()
    }
    for node in nodes.values():
        assert not {f"^{name}" for name in inputs} & set(node.input), node.name
        assert not node.device
        assert all(value.WhichOneof("value") for value in node.attr.values()), node


@pytest.mark.parametrize("name", NORMALIZED)
def test_batch_normalization_goes_into_the_weights(name: str, export: Export) -> None:
    import tensorflow as tf

    graph = frozen(ZOO[name], export)
    floats = {
        node.op
        for node in graph.graph_def.node
        if node.attr["T"].type == tf.float32 and "Softmax/" not in node.name
    }
    assert not {"Mul", "Rsqrt", "Sub", "RealDiv"} & floats
    assert not any(op.startswith("FusedBatchNorm") for op in ops(graph))


def test_a_dilated_convolution_is_one_op(export: Export) -> None:
    graph = frozen(ZOO["conv2d_dilated"], export)
    assert not {"SpaceToBatchND", "BatchToSpaceND"} & ops(graph)
    (node,) = (node for node in graph.graph_def.node if node.op == "Conv2D")
    assert list(node.attr["dilations"].list.i) == [1, 2, 2, 1]


def test_an_input_that_nothing_reads_stays(export: Export) -> None:
    graph = frozen(ZOO["unused_input"], export)
    assert [tensor.name for tensor in graph.inputs] == ["ignored", "x"]
    assert {node.name for node in graph.graph_def.node} >= {"input_ignored", "input_x"}


def test_a_shape_may_fix_the_batch(export: Export) -> None:
    model = load_model(export(ZOO["mlp"]))
    graph = freeze(model, "serving_default", shapes={"x": (4, 32)})
    assert not graph.has_batch
    assert [tensor.shape for tensor in graph.outputs] == [(4, 1)]


def test_open_sizes_are_refused_with_the_flag(export: Export) -> None:
    model = load_model(export(ZOO["unknown_length"]))
    with pytest.raises(InvalidArgumentError, match=r"--shape x=\?,128,4"):
        freeze(model, "serving_default")


def test_a_shape_that_the_graph_cannot_take_is_refused(export: Export) -> None:
    model = load_model(export(ZOO["unknown_length"]))
    with pytest.raises(CompileError, match="does not work with the input shapes"):
        freeze(model, "serving_default", shapes={"x": (BATCH, 1, 4)})


def test_an_unknown_signature_is_refused(export: Export) -> None:
    with pytest.raises(InvalidArgumentError, match="Signatures present: serve"):
        freeze(load_model(export(ZOO["mlp"])), "predict")
