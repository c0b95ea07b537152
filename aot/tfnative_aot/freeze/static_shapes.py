# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Output shapes by TensorFlow's static shape inference."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative.errors import CompileError
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.source import BATCH, SourceGraph, node_of

# Batch sizes to infer shapes for. Sizes that follow the batch differ between them. Some
# models take only batches that can be divided.
_PROBES = ((5, 7), (24, 48))
_TRIED_SIZES = (*range(1, 33), 48, 64, 128, 256)
_LARGE_CONSTANT_BYTES = 4096

Shape = tuple[int, ...]
_Shapes = dict[str, tuple[int | None, ...] | None]


def output_shapes(
    graph: SourceGraph,
    input_shapes: Mapping[str, Shape],
    *,
    open_rows: bool = False,
) -> dict[str, Shape | None]:
    """Shapes of the outputs, with BATCH where a leading size is the batch.

    With ``open_rows``, also where a leading size, and no other, is not found.

    None where shape inference does not find all sizes, or where a size changes
    with the batch in another way.

    Raises:
        CompileError: The graph does not fit the input shapes.
    """
    probes, (first, second) = _probe(graph, input_shapes)
    return {
        name: _with_batch(first[name], second[name], probes, open_rows)
        for name in graph.outputs
    }


def _probe(
    graph: SourceGraph, input_shapes: Mapping[str, Shape]
) -> tuple[tuple[int, int], tuple[_Shapes, _Shapes]]:
    """The first pair of batch sizes that fits, and the shapes for both."""
    refusal = None
    for one, other in _PROBES:
        try:
            found = (
                _infer(graph, input_shapes, one),
                _infer(graph, input_shapes, other),
            )
        except CompileError as error:
            refusal = refusal or error
        else:
            return (one, other), found
    assert refusal is not None
    one, *others = fitting_sizes(graph, input_shapes) or (0,)
    if not one:
        raise refusal
    if not others:
        raise CompileError(
            f"the model takes {one} rows, and no other number of those that were "
            f"tried: pass {_shape_flags(input_shapes, one)}"
        ) from refusal
    return (one, others[0]), (
        _infer(graph, input_shapes, one),
        _infer(graph, input_shapes, others[0]),
    )


def fitting_sizes(
    graph: SourceGraph, input_shapes: Mapping[str, Shape]
) -> tuple[int, ...]:
    """Batch sizes that a graph takes, of some small ones."""
    fitting = []
    for size in _TRIED_SIZES:
        with suppress(CompileError):
            _infer(graph, input_shapes, size)
            fitting.append(size)
    return tuple(fitting)


def _shape_flags(shapes: Mapping[str, Shape], rows: int) -> str:
    """The flags that fix a batch."""
    return " ".join(
        f"--shape {name}="
        + ",".join(str(rows if size == BATCH else size) for size in shape)
        for name, shape in shapes.items()
        if BATCH in shape
    )


def _with_batch(
    first: tuple[int | None, ...] | None,
    second: tuple[int | None, ...] | None,
    probes: tuple[int, int],
    open_rows: bool,
) -> Shape | None:
    if first is None or second is None or len(first) != len(second):
        return None
    shape: list[int] = []
    for place, sizes in enumerate(zip(first, second, strict=True)):
        if sizes == (None, None) and place == 0 and open_rows:
            shape.append(BATCH)
        elif sizes[0] is None or sizes[1] is None:
            return None
        elif sizes[0] == sizes[1]:
            shape.append(sizes[0])
        elif place == 0 and sizes == probes:
            shape.append(BATCH)
        else:
            return None
    return tuple(shape)


def _infer(
    graph: SourceGraph, input_shapes: Mapping[str, Shape], batch: int
) -> _Shapes:
    graph_def = without_weights(graph.graph_def)
    nodes = {node.name: node for node in graph_def.node}
    for name, shape in input_shapes.items():
        proto = nodes[node_of(graph.inputs[name])].attr["shape"].shape
        del proto.dim[:]
        for size in shape:
            proto.dim.add(size=batch if size == BATCH else size)
    with tf.Graph().as_default() as imported:
        try:
            tf.graph_util.import_graph_def(graph_def, name="")
        except ValueError as error:
            raise CompileError(
                f"the graph does not work with the input shapes {dict(input_shapes)} "
                f"at batch size {batch}: {error}"
            ) from error
        found = {
            name: imported.get_tensor_by_name(tensor).shape
            for name, tensor in graph.outputs.items()
        }
    return {
        name: None if shape.rank is None else tuple(shape.as_list())
        for name, shape in found.items()
    }


def with_rows(graph: FrozenGraph, rows: int) -> GraphDef:
    """A copy of a signature's graph, with the sizes that its inputs have.

    Args:
        graph: The signature.
        rows: Its batch size, if it has one.
    """
    copy = GraphDef()
    copy.CopyFrom(graph.graph_def)
    nodes = {node.name: node for node in copy.node}
    for tensor in graph.inputs:
        sizes = [rows if size == BATCH else size for size in tensor.shape or ()]
        shape = tf.TensorShape(sizes).as_proto()
        nodes[node_of(tensor.tensor)].attr["shape"].shape.CopyFrom(shape)
    return copy


def without_weights(graph_def: GraphDef) -> GraphDef:
    """A copy where placeholders stand for the large constants.

    Shape inference needs the values of small constants only, and copying a
    network's weights takes longer than all the rest of it.
    """
    light = GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        if node.op != "Const" or node.ByteSize() < _LARGE_CONSTANT_BYTES:
            light.node.append(node)
            continue
        placeholder = light.node.add(name=node.name, op="Placeholder")
        placeholder.attr["dtype"].type = node.attr["dtype"].type
        shape = node.attr["value"].tensor.tensor_shape
        placeholder.attr["shape"].shape.CopyFrom(shape)
    return light
