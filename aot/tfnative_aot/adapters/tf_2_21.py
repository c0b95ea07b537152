# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow 2.21 keeps private about graphs, in one place.

Functions here take and return GraphDefs and other public types, so that the rest
of the package imports only TensorFlow's public modules.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops
from tensorflow.compiler.xla import xla_data_pb2
from tensorflow.compiler.xla.service import hlo_pb2
from tensorflow.core.framework import kernel_def_pb2
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, rewriter_config_pb2
from tensorflow.python.eager import context
from tensorflow.python.framework import (
    convert_to_constants,
    function_def_to_graph,
    graph_to_function_def,
    kernels,
    op_def_registry,
    tensor_util,
)
from tensorflow.python.grappler import tf_optimizer
from tensorflow.python.saved_model import loader_impl
from tensorflow.python.util import deprecation


def load_into_session(session: Any, folder: str, tags: Sequence[str]) -> GraphDef:
    """Restores a SavedModel into a v1 session, and returns its graph.

    Functions run as they were written: Grappler would move ArgMin before a Relu, and
    find another one of several zeros.
    """
    # The public tf.compat.v1.saved_model.load is the same with a warning.
    loader = loader_impl.SavedModelLoader(folder)
    for meta_graph in loader.saved_model.meta_graphs:
        library = meta_graph.graph_def.library.function
        for nodes in (
            meta_graph.graph_def.node,
            *(function.node_def for function in library),
        ):
            _do_not_optimize(nodes)
    return loader.load(session, list(tags)).graph_def


def _do_not_optimize(nodes: Iterable[Any]) -> None:
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    for node in nodes:
        # What calls a function says how it is optimized, whatever the session says.
        if "config_proto" in node.attr:
            node.attr["config_proto"].s = config.SerializeToString()


def freeze_function(function: Any) -> tuple[GraphDef, list[str], list[str]]:
    """Replaces the variables of a tf.ConcreteFunction by constants.

    While and If stay functional.

    Returns:
        The graph, the names of its input tensors in the order of
        ``argument_names``, and the names of its output tensors in flat order.
    """
    with deprecation.silence():  # Of what TensorFlow itself calls.
        frozen = convert_to_constants.convert_variables_to_constants_v2(
            function, lower_control_flow=False
        )
    return (
        frozen.graph.as_graph_def(),
        [tensor.name for tensor in frozen.inputs],
        [tensor.name for tensor in frozen.outputs],
    )


def freeze_session_graph(
    session: Any, graph_def: GraphDef, output_nodes: Sequence[str]
) -> GraphDef:
    """Replaces variables by the values that they have in a v1 session."""
    convert = convert_to_constants.convert_variables_to_constants_from_session_graph
    with deprecation.silence():  # Of what TensorFlow itself calls.
        return convert(session, graph_def, list(output_nodes))


@contextlib.contextmanager
def without_optimizers() -> Iterator[None]:
    """Lets tf.functions run as they were written; not to be used by several threads."""
    options = context.context().get_optimizer_experimental_options()
    before = options.get("disable_meta_optimizer", False)
    set_options = context.context().set_optimizer_experimental_options
    set_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        set_options({"disable_meta_optimizer": before})


def argument_names(function: Any) -> list[str]:
    """Names of a loaded signature's arguments, in the order of its inputs."""
    return list(function._arg_keywords)


def optimize(
    graph_def: GraphDef,
    feeds: Sequence[str],
    fetches: Sequence[str],
    optimizers: Sequence[str],
) -> GraphDef:
    """Runs Grappler's named optimizers.

    Args:
        graph_def: The graph.
        feeds: Nodes that stay as they are since they are fed.
        fetches: Nodes that stay since they are fetched.
        optimizers: Grappler's names, in order. No other optimizer runs.
    """
    meta_graph = meta_graph_pb2.MetaGraphDef(graph_def=graph_def)
    meta_graph.collection_def["train_op"].node_list.value.extend([*feeds, *fetches])
    config = config_pb2.ConfigProto()
    options = config.graph_options.rewrite_options
    options.min_graph_nodes = -1  # Small graphs too.
    options.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
    options.optimizers.extend(optimizers)
    return tf_optimizer.OptimizeGraph(config, meta_graph)


@functools.cache
def xla_kernels() -> Mapping[str, Sequence[kernel_def_pb2.KernelDef]]:
    """The kernels of XLA's CPU compiler, by op.

    An op may have several, for different element types.
    """
    # XLA registers its kernels when it compiles for the first time.
    # AutoGraph would leave files of its own among the temporary ones.
    tf.function(lambda x: x, jit_compile=True, autograph=False)(tf.constant(0.0))
    by_op: dict[str, list[kernel_def_pb2.KernelDef]] = {}
    for kernel in kernels.get_all_registered_kernels().kernel:
        if kernel.device_type == "XLA_CPU_JIT":
            by_op.setdefault(kernel.op, []).append(kernel)
    return by_op


def xla_program(
    graph_def: GraphDef,
    feeds: Sequence[tuple[str, tf.TensorSpec]],
    fetches: Sequence[str],
) -> Any:
    """What XLA is given to compile a graph of these shapes, before it optimises it.

    Args:
        graph_def: The graph.
        feeds: Tensors that become the parameters, in order.
        fetches: Tensors that become the results, in order.

    Returns:
        An xla.HloModuleProto.

    Raises:
        Exception: XLA does not take the graph; whatever TensorFlow raises for that.
    """
    imported = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(graph_def, name=""), []
    )
    tensor = imported.graph.get_tensor_by_name
    pruned = imported.prune(
        [tensor(name) for name, _ in feeds], [tensor(name) for name in fetches]
    )
    specs = [spec for _, spec in feeds]

    def call(*arguments: Any) -> Any:
        return pruned(*arguments)

    function = tf.function(
        call,
        input_signature=specs,
        jit_compile=True,
        autograph=False,
    )
    make = function.experimental_get_compiler_ir(*specs)
    return hlo_pb2.HloModuleProto.FromString(make(stage="hlo_serialized"))


def read_program(dumped: bytes) -> Any:
    """The xla.HloModuleProto that XLA dumped."""
    return hlo_pb2.HloProto.FromString(dumped).hlo_module


def reduce_window(
    x: Any,
    init: Any,
    join: Callable[[Any, Any], Any],
    window: Sequence[int],
    strides: Sequence[int],
    padding: Any,
) -> Any:
    """XLA's reduction of the window around each element, as a node of a graph.

    Args:
        x: The array.
        init: What each reduction begins with, a scalar.
        join: Takes what was reduced so far, and the next element.
        window: Sizes, for each dimension.
        strides: For each dimension.
        padding: Sizes before and after, for each dimension, as a tensor.
    """
    ones = tf.constant([1] * len(window))
    return gen_xla_ops.xla_reduce_window(
        x, init, window, strides, ones, ones, padding, _scalars(join, x.dtype)
    )


def scatter_rows(
    start: Any, indices: Any, rows: Any, join: Callable[[Any, Any], Any]
) -> Any:
    """XLA's scatter of rows into a matrix, one after the other, as a node of a graph.

    Args:
        start: The matrix to begin with.
        indices: Which row of it each row goes to, in a column. Others are dropped.
        rows: The rows.
        join: Takes what an element is so far, and what comes to it.
    """
    numbers = xla_data_pb2.ScatterDimensionNumbers(
        update_window_dims=[1],
        inserted_window_dims=[0],
        scatter_dims_to_operand_dims=[0],
        index_vector_dim=1,
    )
    return gen_xla_ops.xla_scatter(
        start,
        indices,
        rows,
        _scalars(join, rows.dtype),
        numbers.SerializeToString(),
        indices_are_sorted=False,
    )


def custom_call(
    rows: Any,
    target: str,
    configuration: str,
    sizes: tuple[Sequence[int], Sequence[int]],
    name: str,
) -> tuple[Any, Any]:
    """XLA's call of something that it knows by name, as a node of a graph.

    Args:
        rows: What it takes, of float32.
        target: The name.
        configuration: Passed on as it is.
        sizes: Of the two results, of float32 and int32.
        name: Of the node.
    """
    first, second = gen_xla_ops.xla_custom_call_v2(
        [rows],
        target,
        configuration,
        has_side_effect=False,
        result_dtypes=[tf.float32, tf.int32],
        result_shapes=[list(each) for each in sizes],
        name=name,
    )
    return first, second


def _scalars(join: Callable[[Any, Any], Any], dtype: Any) -> Any:
    scalar = tf.TensorSpec([], dtype)
    return tf.function(join, autograph=False).get_concrete_function(scalar, scalar)


def function_graph(function: Any, shapes: Sequence[Any]) -> Any:
    """A FunctionDef as a graph with ``inputs`` and ``outputs``, in the default graph.

    Args:
        function: The FunctionDef.
        shapes: A tf.TensorShape for each input.
    """
    own = type(function)()
    own.CopyFrom(function)
    # What the function says of its arguments would go before what they are.
    for attributes in own.arg_attr.values():
        attributes.attr.pop("_output_shapes", None)
    make = function_def_to_graph.function_def_to_graph
    return make(own, input_shapes=[shape.as_proto() for shape in shapes])


def function_body(function: Any, library: Any) -> tuple[GraphDef, dict[str, str]]:
    """A FunctionDef's body as a graph, with Placeholders for the arguments.

    Args:
        function: The FunctionDef.
        library: The functions that it may call: a FunctionDefLibrary.

    Returns:
        The graph, and its names of the tensors that the function names otherwise.
    """
    with tf.Graph().as_default():
        # The functions that are called have to be known there.
        tf.graph_util.import_graph_def(GraphDef(library=library), name="")
        graph_def, names = function_def_to_graph.function_def_to_graph_def(function)
    return graph_def, dict(names)


def function_of(compute: Callable[..., Any], specs: Sequence[Any]) -> Any:
    """A FunctionDef without a name, as tf.function makes one, but in less time.

    Args:
        compute: Makes nodes of tensors, and gives the result.
        specs: A tf.TensorSpec of each of these.
    """
    with tf.Graph().as_default() as graph:
        given = [
            tf.compat.v1.placeholder(spec.dtype, spec.shape, f"operand_{place}")
            for place, spec in enumerate(specs)
        ]
        result = compute(*given)
        arguments = {tensor.op for tensor in given}
        nodes = [op for op in graph.get_operations() if op not in arguments]
        return graph_to_function_def.graph_to_function_def(
            graph, nodes, given, [result]
        )


def inferred_value(tensor: Any) -> Any:
    """The value of a graph's tensor, or None if it depends on what is fed.

    Unlike tf.get_static_value, finds what follows from shapes by any op.
    """
    value = tensor_util.constant_value(tensor)
    return tensor_util.try_evaluate_constant(tensor) if value is None else value


def op_definition(op: str) -> Any:
    """The OpDef of a registered op, or None."""
    return op_def_registry.get(op)
