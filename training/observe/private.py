# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The one place of `training/` that touches modules of TensorFlow that are private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def parse_xspace(content: bytes) -> Any:
    """A trace of ``tf.profiler``: a tensorflow.profiler.XSpace."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    return xplane_pb2.XSpace.FromString(content)


def hlo_proto(module: bytes) -> bytes:
    """An xla.HloProto of a serialized xla.HloModuleProto."""
    from tensorflow.compiler.xla.service import hlo_pb2

    parsed = hlo_pb2.HloModuleProto.FromString(module)
    content: bytes = hlo_pb2.HloProto(hlo_module=parsed).SerializeToString()
    return content


def dumped_executions(folder: Path) -> Iterator[tuple[str, str, Any]]:
    """What tfdbg noted of each tensor: the op's type, its name, and the numbers.

    Args:
        folder: What ``enable_dump_debug_info`` wrote, in the mode FULL_HEALTH: the
            numbers are those of its documentation.
    """
    from tensorflow.python.debug.lib import debug_events_reader

    with debug_events_reader.DebugDataReader(str(folder)) as reader:
        reader.update()
        for trace in reader.graph_execution_traces():
            yield trace.op_type, trace.op_name, trace.debug_tensor_value
        for execution in reader.executions():
            for values in execution.debug_tensor_values or ():
                yield execution.op_type, execution.op_type, values


def frozen_graph(model: Any, features: Mapping[str, Any]) -> Any:
    """The graph of a Keras model whose weights are constants, without functions."""
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    specs = {n: tf.TensorSpec(a.shape, a.dtype, n) for n, a in features.items()}
    call = tf.function(lambda **given: model(given, training=False), autograph=False)
    concrete = call.get_concrete_function(**specs)
    return convert_to_constants.convert_variables_to_constants_v2(concrete).graph
